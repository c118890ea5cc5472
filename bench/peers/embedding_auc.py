"""How well embeddings tell a user's later records from other users', by scikit-learn: the numbers of docs/embeddings.md.

    node recipes/embeddings.ts --model DIR --data FILE --template NAME --out OUT
    python bench/peers/embedding_auc.py --out OUT --model DIR [--data FILE --field repo]

For every user a logistic regression (standardised features) is fitted on the user's training records and as many of
other users' training records (three draws), and asked about the user's query records and all other users' query records:
area under the ROC curve, mean of the draws. Its strength C is chosen on every second user, for each embedding by
itself; the table reports the other users, mean and standard error over them. --field names a field of the data that
divides the users (such as the repository of a commit): the second column draws and asks others of the same division
alone, so that what a user works on does not help.

Beside the two embeddings OUT holds, poolings of the backbone's hidden states are computed by transformers from the same
token ids; "completion" must equal OUT/backbone.f32, or the script stops.

The last table is Spearman's correlation between candidates for a uniqueness score, from training records alone, and
each user's AUC (C as chosen; all users).

Needs torch, transformers, scikit-learn, scipy; first used with torch 2.15.0, transformers 5.23.0, scikit-learn 1.9.1.
"""

import argparse
import gzip
import json
import os
import zlib
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler
from transformers import AutoModel

STRENGTHS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3]
DRAWS = 3


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--model", required=True)
    options.add_argument("--data", type=Path)
    options.add_argument("--field")
    options = options.parse_args()
    records = [json.loads(line) for line in open(options.out / "records.jsonl")]
    data = Data(records, divisions(options.data, options.field))
    embeddings = poolings(options.model, records)
    for name in ("backbone", "ngrams"):
        stored = np.fromfile(options.out / f"{name}.f32", dtype="<f4").reshape(len(records), -1)
        if name == "backbone":
            difference = np.abs(stored - embeddings["completion"]).max()
            print(f"backbone.f32 differs from transformers by at most {difference:.1e}\n")
            assert difference < 1e-3  # float32 states of some units, up to 256 tokens, five or more layers
        else:
            embeddings[name] = stored

    scopes = ["any user"] + (["same division"] if data.division is not None else [])
    chosen, results = {}, {}
    print(f"| embedding | width | {' | '.join(scopes)} |\n|---|---|{'---|' * len(scopes)}")
    for name, values in embeddings.items():
        cells = []
        for scope in scopes:
            rows = lambda users, strength, draws: data.aucs(values, users, strength, scope != "any user", draws)
            strength = max(STRENGTHS, key=lambda c: rows(data.users[::2], c, 1).mean())
            chosen[name, scope] = strength
            results[name, scope] = found = rows(data.users[1::2], strength, DRAWS)
            cells.append(f"{found.mean():.3f} ± {error(found):.3f} (C {strength})")
        print(f"| {name} | {values.shape[1]} | {' | '.join(cells)} |", flush=True)

    print("\nDifference to \"completion\", user by user:\n")
    print(f"| embedding | {' | '.join(scopes)} |\n|---|{'---|' * len(scopes)}")
    for name in embeddings:
        if name == "completion":
            continue
        pairs = [results[name, scope] - results["completion", scope] for scope in scopes]
        print(f"| {name} | {' | '.join(f'{d.mean():+.3f} ± {error(d):.3f}' for d in pairs)} |")

    own_scores = json.loads((options.out / "uniqueness.json").read_text())
    print("\nUniqueness, Spearman with the AUC of")
    columns = [(name, scope) for name in ("completion", "ngrams") for scope in scopes]
    truth = [data.aucs(embeddings[n], data.users, chosen[n, s], s != "any user", DRAWS) for n, s in columns]
    print(f"\n| scored by | {' | '.join(f'{n}, {s}' for n, s in columns)} |\n|---|{'---|' * len(columns)}")
    for label, name in (("backbone", "completion"), ("ngrams", "ngrams")):
        candidates = data.uniqueness(embeddings[name].astype(float))
        mine = np.array([own_scores[label][user] for user in data.users])
        assert np.abs(mine - candidates["within - between"]).max() < 1e-4  # float32 vectors of two programs
        for candidate, scores in candidates.items():
            cells = [f"{spearmanr(scores, values)[0]:+.2f}" for values in truth]
            print(f"| {label}: {candidate} | {' | '.join(cells)} |")


def error(values: np.ndarray) -> float:
    return values.std(ddof=1) / len(values) ** 0.5


def divisions(file: Path | None, field: str | None) -> dict[str, str] | None:
    if file is None or field is None:
        return None
    lines = gzip.open(file, "rt") if file.suffix == ".gz" else open(file)
    return {record["user"]: record[field] for record in map(json.loads, lines)}


def poolings(folder: str, records: list[dict]) -> dict[str, np.ndarray]:
    model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    start = torch.tensor([records[0]["ids"][:1]])  # the start token, before a completion that stands alone
    found: dict[str, list[torch.Tensor]] = {}
    with torch.no_grad():
        for record in records:
            ids, prompt = torch.tensor([record["ids"]]), record["promptLength"]
            layers = model(ids, output_hidden_states=True).hidden_states
            last = layers[-1][0]
            alone = model(torch.cat([start, ids[:, prompt:]], dim=1)).last_hidden_state[0]
            for name, value in {
                "completion": last[prompt:].mean(0),
                "prompt and completion": last.mean(0),
                "prompt": last[:prompt].mean(0),
                "last token": last[-1],
                "completion, not having read the prompt": alone[1:].mean(0),
                "completion, token embeddings": layers[0][0][prompt:].mean(0),
                "completion, all layers side by side": torch.cat([layer[0][prompt:].mean(0) for layer in layers]),
            }.items():
                found.setdefault(name, []).append(value)
    return {name: torch.stack(values).numpy() for name, values in found.items()}


class Data:
    def __init__(self, records: list[dict], division: dict[str, str] | None):
        self.user = np.array([record["user"] for record in records])
        self.train = np.array([record["part"] == "train" for record in records])
        self.users = list(dict.fromkeys(self.user))
        self.division = None if division is None else np.array([division[user] for user in self.user])

    def aucs(self, values: np.ndarray, users: list[str], strength: float, same: bool, draws: int) -> np.ndarray:
        return np.array([self.auc(values.astype(float), user, strength, same, draws) for user in users])

    def auc(self, values: np.ndarray, user: str, strength: float, same: bool, draws: int) -> float:
        mine = self.user == user
        others = ~mine & (self.division == self.division[mine][0] if same else True)
        own, asked = np.flatnonzero(mine & self.train), np.flatnonzero((mine | others) & ~self.train)
        found = []
        for draw in range(draws):
            random = np.random.default_rng(zlib.crc32(f"{user}/{draw}".encode()))
            fit = np.r_[own, random.choice(np.flatnonzero(others & self.train), len(own), replace=False)]
            scale = StandardScaler().fit(values[fit])
            model = LogisticRegression(C=strength, max_iter=5000).fit(scale.transform(values[fit]), mine[fit])
            found.append(roc_auc_score(mine[asked], model.decision_function(scale.transform(values[asked]))))
        return float(np.mean(found))

    def uniqueness(self, values: np.ndarray) -> dict[str, np.ndarray]:
        groups = [values[(self.user == user) & self.train] for user in self.users]
        means = np.stack([group.mean(0) for group in groups])
        centre = means.mean(0)
        unit = [normalise(group - centre) for group in groups]
        directions = np.stack([group.mean(0) for group in unit])
        count = len(groups)
        cosines = directions @ directions.T
        between = (cosines.sum(1) - np.diag(cosines)) / (count - 1)
        within = np.array([(np.sum(g.sum(0) ** 2) - len(g)) / (len(g) * (len(g) - 1)) for g in unit])
        centred = normalise(means - centre)
        away = 1 - centred @ centred.T
        spread = np.array([group.var(0, ddof=1).sum() ** 0.5 for group in groups])
        return {
            "within - between": within - between,
            "mean cosine distance of centred means": away.sum(1) / (count - 1),
            "distance of means over own spread": np.linalg.norm(means - centre, axis=1) / spread,
        }


def normalise(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


if __name__ == "__main__":
    main()
