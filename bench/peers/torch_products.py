"""Rates of PyTorch's matrix products on the CPU, one line of JSON: GFLOP/s by kind and shape.

    python bench/peers/torch_products.py --shapes '[[512, 1536, 576]]' [--threads 2]

A shape is [rows, outputs, inputs] of x Wᵀ with frozen weights. int8 is torch._int_mm of two int8 matrices; rounding its
input is left out. Needs torch; first used with torch 2.15.0.
"""

import argparse
import json
import statistics
import time


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure PyTorch's matrix products.")
    parser.add_argument("--shapes", type=json.loads, required=True)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()

    import torch

    torch.set_num_threads(options.threads)

    def rate(kind: str, m: int, n: int, k: int) -> float:
        x, weight = torch.randn(m, k), torch.randn(n, k)
        if kind == "bf16":
            x, weight = x.bfloat16(), weight.bfloat16()
        if kind == "int8":
            x, weight = (x * 40).to(torch.int8), (weight * 40).to(torch.int8)
        product = torch._int_mm if kind == "int8" else torch.mm
        seconds = []
        with torch.no_grad():
            for _ in range(30):
                clock = time.perf_counter()
                product(x, weight.T)
                seconds.append(time.perf_counter() - clock)
        return 2 * m * n * k / statistics.median(seconds) / 1e9

    print(json.dumps({kind: [rate(kind, *shape) for shape in options.shapes] for kind in ("float32", "bf16", "int8")}))


if __name__ == "__main__":
    main()
