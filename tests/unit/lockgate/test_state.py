import os
import stat

import pytest

from lockgate.errors import RuntimeFailure
from lockgate.running import find_server
from lockgate.state import State


@pytest.fixture
def state(tmp_path):
    state = State(tmp_path / "state")
    state.open()
    return state


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_the_folder_is_for_its_owner_only(state):
    assert mode(state.root) == 0o700


def test_a_folder_that_others_may_read_is_closed(tmp_path):
    root = tmp_path / "open"
    root.mkdir(mode=0o755)
    State(root).open()
    assert mode(root) == 0o700


def test_a_folder_of_somebody_elses_files_is_not_closed(tmp_path):
    """``--state /tmp`` as root closed /tmp to everybody."""
    tmp_path.chmod(0o755)
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(RuntimeFailure, match="other files") as caught:
        State(tmp_path).open()
    assert mode(tmp_path) == 0o755
    assert "--state" in caught.value.instead


def test_a_state_that_was_opened_to_others_is_closed_again(state):
    state.next_identity()
    state.root.chmod(0o755)
    State(state.root).open()
    assert mode(state.root) == 0o700


def test_a_folder_that_cannot_be_made_is_explained(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RuntimeFailure, match="cannot be made") as caught:
        State(tmp_path / "file" / "state").open()
    assert "--state" in caught.value.instead


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused(tmp_path):
    root = tmp_path / "theirs"
    root.mkdir()
    os.chown(root, 65534, 65534)
    with pytest.raises(RuntimeFailure, match="another user"):
        State(root).open()


def test_the_instance_stays_and_the_epoch_counts_starts(state):
    first, second = state.next_identity(), State(state.root).next_identity()
    assert first.instance == second.instance
    assert (first.epoch, second.epoch) == (1, 2)
    assert len(first.instance) == 8


def test_credentials_are_made_once_and_kept_secret(state):
    first = state.credentials()
    assert state.credentials() == first
    assert mode(state.root / "credentials.json") == 0o600
    assert first.secret_access_key not in repr(first)
    assert len(first.access_key_id) == 20


def test_credentials_that_others_may_read_are_refused(state):
    state.credentials()
    (state.root / "credentials.json").chmod(0o644)
    with pytest.raises(RuntimeFailure, match="read by other users"):
        state.credentials()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_a_damaged_file_is_named_and_left_alone(state, content):
    path = state.root / "instance.json"
    path.write_bytes(content)
    with pytest.raises(RuntimeFailure, match=r"instance\.json"):
        state.next_identity()
    assert path.read_bytes() == content


def test_one_server_at_a_time(state):
    with (
        state.lock("executor"),
        pytest.raises(RuntimeFailure, match="Another Lockgate server"),
        State(state.root).lock("executor"),
    ):
        pass
    with state.lock("executor"):  # free again
        pass


def test_a_server_is_found_only_while_it_holds_the_lock(state):
    state.publish({"gateway": "http://127.0.0.1:1"})
    with pytest.raises(RuntimeFailure, match="No server runs"):
        find_server(state.root)  # it was killed: the file is left, the lock is not
    with state.lock("executor"):
        assert find_server(state.root) == {"gateway": "http://127.0.0.1:1"}
        state.withdraw()
        with pytest.raises(RuntimeFailure, match="No server runs"):
            find_server(state.root)


def test_no_state_means_no_server(tmp_path):
    with pytest.raises(RuntimeFailure, match="No server runs") as caught:
        find_server(tmp_path / "nothing")
    assert "lockgate serve" in caught.value.instead


def test_a_failed_write_leaves_the_old_file(state, monkeypatch):
    state.publish({"a": 1})

    def full(_fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RuntimeFailure, match="No space left"):
        state.publish({"a": 2})
    assert state.endpoints() == {"a": 1}
    assert [path.name for path in state.root.iterdir()] == ["endpoints.json"]
