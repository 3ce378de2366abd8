"""A finished data set to the Hugging Face hub: the files that the manifest lists, and it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from corpus.engine import manifest, storage
from corpus.engine.errors import UserError
from corpus.engine.manifest import MANIFEST, SUCCESS, Manifest

_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")


def check(repository: str, output: str) -> None:
    """Raises UserError for what would make the upload fail for certain, before anything is computed."""
    if not _NAME.fullmatch(repository):
        raise UserError(f"push={repository} is no name of a data set; give push=ORG/NAME.")
    if "://" in output:
        raise UserError(
            f"push= uploads from a local folder, and output={storage.redact(output)} is none; "
            "copy the finished folder here, or write it to a local output=."
        )
    _token(repository)


def push(found: Manifest, repository: str, *, private: bool) -> str:
    """Upload a finished stage and return the address of the data set.

    Files of an earlier upload in the same folders that are no longer there are deleted. The hub's address and
    the token are those of its client: HF_ENDPOINT, HF_TOKEN, `hf auth login`.
    """
    from huggingface_hub import HfApi

    for table in found.tables:
        manifest.require_whole(found, table)
    files = [file.path for listed in found.tables.values() for file in listed]
    folders = sorted({path.partition("/")[0] for path in files if "/" in path})
    api = HfApi(token=_token(repository))
    _asked(
        repository, lambda: api.create_repo(repository, repo_type="dataset", private=private, exist_ok=True)
    )
    _asked(
        repository,
        lambda: api.upload_folder(
            repo_id=repository,
            repo_type="dataset",
            folder_path=found.folder,
            allow_patterns=[*map(_literal, files), MANIFEST, SUCCESS],
            delete_patterns=[f"{_literal(folder)}/*" for folder in folders],
            commit_message=f"Data set {found.fingerprint[:16]}",
        ),
    )
    return f"{api.endpoint}/datasets/{repository}"


def _literal(path: str) -> str:
    """A pattern that matches this path alone."""
    return re.sub(r"([\[*?])", r"[\1]", path)


def _token(repository: str) -> str:
    from huggingface_hub import get_token

    token = get_token()
    if not token:
        raise UserError(
            f"push={repository} needs a token of the hub and there is none; "
            "run `hf auth login` or set HF_TOKEN."
        )
    return token


def _asked(repository: str, question: Callable[[], Any]) -> Any:
    """What the hub answers. Its refusals become one sentence; the token is in none of them."""
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return question()
    except HfHubHTTPError as error:
        status = getattr(error.response, "status_code", 0)
        said = storage.reason_of(ValueError(getattr(error, "server_message", None) or str(error)))
        if status in (401, 403):
            raise UserError(
                f"push={repository}: the hub refuses the token ({status}: {said}); "
                f"take one that may write to {repository.partition('/')[0]}."
            ) from None
        raise UserError(f"push={repository}: the hub answers {status} ({said}).") from None
    except Exception as error:  # each version of the client has its own kinds for lost connections
        raise UserError(
            f"push={repository}: the hub cannot be reached ({storage.reason_of(error)}); "
            "the finished data set is whole, and the same command uploads it later."
        ) from None
