"""The PyTorch + PEFT side of the benchmark "LoRA training step": one JSON line with seconds, memory and losses.

    python bench/peers/peft_step.py --model DIR [--batch 4 --length 128 --completion 32] [--ids FILE]

A step is zero_grad, forward with labels, backward, AdamW on the LoRA matrices, on the CPU. Only the last
--completion positions of each row carry a label. What an attentive user of these libraries would do is done: SDPA
attention, frozen base without gradients, no key-value cache, gradients set to None, the fused AdamW. --keep-completion
goes beyond the usual training script: logits are computed for the labelled positions only. --adapter starts
from a saved adapter in place of PEFT's own initialisation (B = 0), so that losses compare with another program's.

Needs torch, transformers, peft; first used with torch 2.15.0, transformers 5.23.0, peft 0.21.2. No network is used.

    startup_s         process start to ready for the first step = interpreter + import_s + load_s
    step_s            seconds of each measured step, warm-up steps left out
    loss              of every step, warm-up included
    import_rss_bytes  peak memory after the imports, before any weight (a CUDA build of torch maps more than a CPU one)
    peak_rss_bytes    VmHWM of the process at the end; mapped weight files count
"""

import os
import time

SCRIPT_START = time.perf_counter()

import argparse
import json
import random
import resource
import statistics
from pathlib import Path


def main() -> None:
    options = parse()
    before_start = seconds_since_process_start() - (time.perf_counter() - SCRIPT_START)
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    os.environ["HF_HUB_OFFLINE"] = "1"

    clock = time.perf_counter()
    import torch

    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    import peft  # noqa: F401
    import transformers  # noqa: F401
    from peft import LoraConfig, PeftModel, get_peft_model
    from transformers import AutoModelForCausalLM

    transformers.utils.logging.disable_progress_bar()
    import_s = time.perf_counter() - clock
    import_rss_bytes = peak_rss_bytes()

    clock = time.perf_counter()
    weights = torch.bfloat16 if options.precision == "bf16-weights" else torch.float32
    base = AutoModelForCausalLM.from_pretrained(options.model, dtype=weights, attn_implementation="sdpa")
    base.config.use_cache = False
    if options.adapter:
        model = PeftModel.from_pretrained(base, options.adapter, is_trainable=True)
    else:
        model = get_peft_model(
            base,
            LoraConfig(
                r=options.rank,
                lora_alpha=options.alpha,
                lora_dropout=0.0,
                target_modules=options.targets.split(","),
                task_type="CAUSAL_LM",
            ),
        )
    model.train()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=options.lr, fused=True)
    load_s = time.perf_counter() - clock
    startup_s = before_start + time.perf_counter() - SCRIPT_START

    ids, labels = batch(torch, options, base.config.vocab_size)
    inputs = {"input_ids": ids, "labels": labels}
    if options.keep_completion:
        keep = min(options.completion + 1, ids.shape[1])  # a label is predicted one position before it
        inputs |= {"logits_to_keep": keep, "labels": labels[:, -keep:]}

    forward = torch.compile(model) if options.compile else model
    autocast = torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.precision != "float32")

    step_s, losses = [], []
    for _ in range(options.warmup + options.steps):
        clock = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        with autocast:
            loss = forward(**inputs).loss
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        step_s.append(time.perf_counter() - clock)
        del loss
    step_s = step_s[options.warmup :]

    result = {
        "startup_s": round(startup_s, 3),
        "import_s": round(import_s, 3),
        "load_s": round(load_s, 3),
        "step_s": [round(seconds, 4) for seconds in step_s],
        "median_step_s": round(statistics.median(step_s), 4),
        "import_rss_bytes": import_rss_bytes,
        "peak_rss_bytes": peak_rss_bytes(),
        "loss": losses,
        "batch": ids.shape[0],
        "length": ids.shape[1],
        "completion": options.completion,
        "keep_completion": options.keep_completion,
        "trained_parameters": sum(parameter.numel() for parameter in trained),
        "threads": torch.get_num_threads(),
        "versions": versions("torch", "transformers", "peft"),
    }
    print(json.dumps(result))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure a LoRA training step in PyTorch + PEFT.")
    parser.add_argument("--model", type=Path, required=True, help="Hugging Face folder with float32 safetensors")
    parser.add_argument("--adapter", type=Path, help="start from this adapter, not --rank, --alpha, --targets")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--completion", type=int, default=128, help="last positions of each row that carry a label")
    parser.add_argument("--keep-completion", action="store_true", help="compute logits of the labelled positions only")
    parser.add_argument("--ids", type=Path, help="JSON [[...], ...] of equal lengths, in place of --batch x --length")
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--alpha", type=float, default=16)
    parser.add_argument("--targets", default="q_proj,v_proj")
    parser.add_argument(
        "--precision",
        choices=["float32", "bf16", "bf16-weights"],
        default="float32",
        help="bf16: autocast over float32 weights; bf16-weights: autocast over a frozen base stored in bfloat16",
    )
    parser.add_argument("--compile", action="store_true", help="torch.compile the model; the warm-up steps pay for it")
    parser.add_argument("--lr", type=float, default=1e-4)
    parser.add_argument("--steps", type=int, default=7)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def batch(torch, options, vocab_size: int):
    if options.ids:
        rows = json.loads(options.ids.read_text())
    else:
        source = random.Random(options.seed)
        rows = [[source.randrange(vocab_size) for _ in range(options.length)] for _ in range(options.batch)]
    ids = torch.tensor(rows)
    labels = torch.full_like(ids, -100)
    labels[:, -options.completion :] = ids[:, -options.completion :]
    return ids, labels


def seconds_since_process_start() -> float:
    """From the kernel's start time of this process; since this script's first line where there is no /proc."""
    try:
        started = int(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19]) / os.sysconf("SC_CLK_TCK")
        return time.clock_gettime(time.CLOCK_BOOTTIME) - started
    except (OSError, AttributeError, ValueError):
        return time.perf_counter() - SCRIPT_START


def peak_rss_bytes() -> int:
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if os.uname().sysname == "Darwin" else peak * 1024  # macOS counts bytes


def versions(*packages: str) -> dict[str, str]:
    import platform
    from importlib.metadata import version

    return {"python": platform.python_version(), **{name: version(name) for name in packages}}


if __name__ == "__main__":
    main()
