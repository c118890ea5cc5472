"""The PyTorch side of the benchmark "training step of every weight": one JSON line with seconds, memory and losses.

    python bench/peers/full_step.py --model DIR [--batch 8 --length 256]

A step is zero_grad, forward with labels, backward, clipping to norm 1, AdamW with decay on matrices only, in float32 on
the CPU, eager mode (no torch.compile). What an attentive user would do is done: SDPA attention, no key-value cache,
gradients set to None, the fused AdamW.

Needs torch, transformers; first used with torch 2.15.0, transformers 5.23.0. No network is used.
"""

import argparse
import json
import os
import random
import resource
import time
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure a training step of every weight in PyTorch.")
    parser.add_argument("--model", type=Path, required=True, help="Hugging Face folder with float32 safetensors")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--steps", type=int, default=7)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    os.environ["HF_HUB_OFFLINE"] = "1"

    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(options.threads)
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32, attn_implementation="sdpa")
    model.config.use_cache = False
    model.train()
    matrices = [parameter for parameter in model.parameters() if parameter.dim() > 1]
    others = [parameter for parameter in model.parameters() if parameter.dim() == 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.95), fused=True)

    source = random.Random(0)
    rows = [[source.randrange(model.config.vocab_size) for _ in range(options.length)] for _ in range(options.batch)]
    ids = torch.tensor(rows)
    step_s, cpu_s, losses = [], [], []
    for _ in range(options.warmup + options.steps):
        clock, used = time.perf_counter(), time.process_time()
        optimizer.zero_grad(set_to_none=True)
        loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        step_s.append(time.perf_counter() - clock)
        cpu_s.append(time.process_time() - used)
        del loss
    result = {
        "step_s": [round(seconds, 4) for seconds in step_s[options.warmup :]],
        "cpu_s": [round(seconds, 4) for seconds in cpu_s[options.warmup :]],
        "loss": losses,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
