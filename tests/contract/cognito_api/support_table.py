"""Write docs/cognito-support.md: every action of Cognito, with what another action has shown of it.

    .venv/bin/python -m tests.contract.cognito_api.support_table

An action is called supported only after its proof has run here.
"""

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from auth.cognito import model
from auth.cognito.catalog import built
from tests.support.cognito_proofs.every import PLAIN, PROOFS
from tests.support.cognito_stand import CognitoStand
from tests.support.cognito_trial import Clients, Trial, open_stand

PAGE = Path(__file__).parents[3] / "docs" / "cognito-support.md"
_HEAD = """# Actions of the Cognito API

All actions that botocore knows of `cognito-idp`. This page is written by a program
(`python -m tests.contract.cognito_api.support_table`) that calls each of them by boto3. Supported is what was called
validly and invalidly, whose answers and errors fit botocore's model, and whose effect another action has shown: the
last column names the ones that did. Clients that ask for what a pool here never has are answered as by a pool without
it: the second table. Everything else answers `UnsupportedOperationException` with the sentence that stands here.

Public actions are unsigned, on the auth listener and on the control listener; the others are signed (SigV4) and only
on the control listener; `lockgate env` prints its address and keys.
"""


def render(stand: CognitoStand, clients: Clients) -> str:
    supported, plain, others = list[str](), list[str](), list[str]()
    for action in sorted(model.ACTIONS):
        if action not in built():
            others.append(f"| {action} | {model.instead_of(action)} |")
            continue
        trial = Trial(stand, clients, action)
        if action in PLAIN:
            check, says = PLAIN[action]
            check(trial)
            plain.append(f"| {action} | {says} |")
            continue
        PROOFS[action](trial)
        assert trial.is_proven, action
        audience = "public" if action in model.PUBLIC else "signed"
        supported.append(f"| {action} | {audience} | {', '.join(trial.others)} |")
    count = f"{len(supported)} of {len(model.ACTIONS)} are supported."
    lines = [_HEAD, count, "", "## Supported", "", "| action | | seen by |", "|---|---|---|", *supported]
    lines += ["", "## Answered, without effect", "", "| action | answer |", "|---|---|", *plain]
    lines += ["", "## Not supported", "", "| action | instead |", "|---|---|", *others, ""]
    return "\n".join(lines)


def main() -> None:
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="lockgate-support-")))
        PAGE.write_text(render(*open_stand(folder, held)))
    print(f"wrote {PAGE}", file=sys.stderr)


if __name__ == "__main__":
    main()
