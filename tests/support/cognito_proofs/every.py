"""All proofs there are."""

from tests.support.cognito_proofs import admin_users as admin_users
from tests.support.cognito_proofs import groups as groups
from tests.support.cognito_proofs import management as management
from tests.support.cognito_proofs import plain as plain
from tests.support.cognito_proofs import self_service as self_service
from tests.support.cognito_proofs import sign_in as sign_in
from tests.support.cognito_proofs import sign_up as sign_up
from tests.support.cognito_proofs.plain import PLAIN as PLAIN
from tests.support.cognito_proofs.registry import PROOFS as PROOFS
