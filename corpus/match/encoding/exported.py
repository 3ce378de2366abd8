"""The transformer of a sentence encoder as an OpenVINO graph: what encodes fastest on CPUs at hand.

Only the transformer's forward pass is replaced. Tokenizer, prompts, pooling and dense layers stay those of
sentence-transformers, so that the two back ends cannot drift apart. An exported graph is used only if its
vectors agree with torch's, and is kept in the local cache under the hash of the encoder.
"""

from __future__ import annotations

import hashlib
import json
import sys
import warnings
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import numpy as np

from corpus.match.encoding import cache

LEAST_AGREEMENT = 0.999  # cosine with torch in float32, for every probe
GRAPH, AGREEMENT = "transformer.xml", "agreement.json"
_HINTS = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}
_PROBES = (
    "x",
    "GET /v2/forecast returns the weather forecast for a city as JSON.",
    "def parse(line: str, *, strict: bool = False) -> list[int]: ...",
    "Knead the dough of flour, water, salt and yeast, and let it rest for two hours. " * 4,
    "git rebase --onto main topic~5 topic  # moves a branch onto another commit\n" * 12,
    "Η γρήγορη αλεπού 速い茶色の狐 быстрая лиса " * 30,
)


class ExportError(Exception):
    """The model does not run as a graph, or not with the same result. The message is the reason."""


def is_there() -> bool:
    return find_spec("openvino") is not None


def load_openvino() -> Any:
    """The package, which would otherwise tell its maker of each conversion. Raises ExportError without it."""
    sys.modules.setdefault("openvino_telemetry", cast(Any, None))  # its import fails, a stub takes its place
    try:
        import openvino  # type: ignore[import-untyped]
    except ImportError:
        raise ExportError("the package openvino is not there") from None
    return openvino


def replace_transformer(model: Any, key: str, *, precision: str, threads: int) -> None:
    """Let the first module of a SentenceTransformer run on OpenVINO. Raises ExportError."""
    import torch
    from transformers.modeling_outputs import BaseModelOutput

    openvino = load_openvino()
    core = openvino.Core()
    hint = _hint(core, precision)
    made_with = f"{key} {openvino.__version__} {hint} {model.max_seq_length} {_PROBES}"
    name = hashlib.sha256(made_with.encode()).hexdigest()
    folder = cache.built("openvino", name, partial(_export, model, core, hint))
    graph = _compiled(core, folder / GRAPH, hint, threads)
    names = [port.get_any_name() for port in graph.inputs]

    def forward(**features: Any) -> Any:
        found = graph([features[name].numpy() for name in names])[0]
        return BaseModelOutput(last_hidden_state=torch.from_numpy(np.array(found)))

    inner = model[0].auto_model
    inner.forward = forward
    for weight in inner.parameters():  # the graph has its own, mapped from the file
        weight.data = torch.empty(0, dtype=weight.dtype)


def _hint(core: Any, precision: str) -> str:
    """bf16 where the processor computes with it: twice as fast, and below what float16 storage rounds off."""
    if precision != "auto":
        return _HINTS[precision]
    return "bf16" if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"


def _compiled(core: Any, path: Path, hint: str, threads: int) -> Any:
    options = {
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": hint,
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,  # else all tasks of a machine would sit on its first cores
    }
    return core.compile_model(str(path), "CPU", options)


def _export(model: Any, core: Any, hint: str, folder: Path) -> None:
    import torch

    openvino = load_openvino()
    inner = model[0].auto_model
    features = model.tokenizer(list(_PROBES[:3]), padding=True, return_tensors="pt")
    names = [name for name in model.tokenizer.model_input_names if name in features]

    class Hidden(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, *given: torch.Tensor) -> torch.Tensor:
            return self.inner(**dict(zip(names, given))).last_hidden_state  # type: ignore[no-any-return]

    try:
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tracing warns of every branch of the model's Python
            graph = openvino.convert_model(Hidden(), example_input=tuple(features[name] for name in names))
        for port, name in zip(graph.inputs, names):
            port.get_tensor().set_names({name})
        openvino.save_model(graph, str(folder / GRAPH), compress_to_fp16=False)
        compiled = _compiled(core, folder / GRAPH, hint, 1)
        agreement = _agreement(model, compiled, names)
    except Exception as error:  # tracing and conversion fail in as many ways as there are architectures
        raise ExportError(str(error).strip().splitlines()[0][:200] or type(error).__name__) from error
    if agreement < LEAST_AGREEMENT:
        raise ExportError(f"its vectors agree with torch's only to {agreement:.4f}")
    (folder / AGREEMENT).write_text(json.dumps({"cosine": agreement, "precision": hint}), encoding="utf-8")


def _agreement(model: Any, compiled: Any, names: list[str]) -> float:
    """The lowest cosine between hidden states, averaged over a text's tokens, of both back ends."""
    import torch

    lowest = 1.0
    for probe in _PROBES:
        features = model.tokenizer(
            [probe], truncation=True, max_length=model.max_seq_length, return_tensors="pt"
        )
        given = {name: features[name] for name in names}
        with torch.inference_mode():
            one = model[0].auto_model(**given).last_hidden_state[0].mean(0).float().numpy()
        other = compiled([given[name].numpy() for name in names])[0][0].mean(0)
        lowest = min(lowest, float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other))))
    return lowest
