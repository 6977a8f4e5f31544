import pytest

from somite.core.errors import InputError
from somite.training.record import Record


def test_remembers_finished_steps(tmp_path):
    path = tmp_path / "new" / "record.json"
    assert Record(path, "a").finished() == set()
    Record(path, "a").finish(8)
    Record(path, "a").finish(1)
    assert Record(path, "a").finished() == {1, 8}
    assert [entry.name for entry in path.parent.iterdir()] == ["record.json"]


def test_a_record_of_another_series_is_refused(tmp_path):
    Record(tmp_path / "record.json", "a").finish(8)
    with pytest.raises(InputError, match="record must be of the series b, got 'a'"):
        Record(tmp_path / "record.json", "b").finished()


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"source": "a", "finished": ["x"]}', "folder"]
)
def test_a_damaged_record_is_refused(tmp_path, content):
    path = tmp_path / "record.json"
    path.mkdir() if content == "folder" else path.write_text(content)
    with pytest.raises(InputError, match="record must be a record of finished steps"):
        Record(path, "a").finished()
