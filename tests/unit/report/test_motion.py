"""The picture of moving tokens: a frame for each checkpoint, a colour for each kind, errors."""

import json

import numpy as np
import pytest

from somite.report.figures.motion import (
    ORDER,
    contexts,
    first_kind,
    kind_color,
    members,
    motion_figure,
    seeds_figure,
)
from somite.report.sections import motion as section
from somite.response.embryology.categories import KINDS
from unit.report.synthetic import synthetic_results
from unit.report.synthetic_response import WORDS, motion, pictured


def test_every_kind_has_a_colour_of_its_own():
    assert sorted(ORDER) == sorted(KINDS)
    colours = [kind_color(name) for name in ORDER]
    assert len(set(colours)) == len(ORDER) - 1  # the last two are grey


def test_a_frame_for_each_checkpoint_holds_all_tokens():
    table = motion()
    figure = motion_figure(table)
    assert [frame.name for frame in figure.frames] == ["300", "3000"]
    assert [stop.label for stop in figure.layout.sliders[0].steps] == ["300", "3k"]
    first = first_kind(table).ravel()
    for at, frame in enumerate(figure.frames):
        places = table.position.values[at].reshape(-1, 2).round(3)
        for trace, name in zip(frame.data, [t.name for t in figure.data], strict=True):
            inside = first == ORDER.index(name.replace(" ", "_"))
            np.testing.assert_array_equal(np.c_[trace.x, trace.y], places[inside])
    last = figure.frames[-1].data[0]
    assert list(figure.data[0].x) == list(last.x)
    assert "±" in last.customdata[0]
    assert figure.frames[0].data[0].customdata[0] == ""
    assert sum(len(trace.x) for trace in figure.data) == 12 * 9
    json.loads(figure.to_json())


def test_labels_show_the_token_after_its_text_and_no_tags():
    found = contexts(motion())
    assert found[0] == f"{WORDS[0]}<b>{WORDS[3]}</b>"
    assert not any("<script>" in text for text in found)


def test_what_moved_is_said_with_its_error():
    table = motion()
    said = section.lead(table)
    assert said.startswith("108 tokens at 2 checkpoints. At the last one the axes hold ")
    assert "between steps 300 and 3k: " in said
    heads = section.motion_table(table)
    assert heads.columns == ("kind", "tokens", "300 → 3k")
    assert all("±" in row[2] for row in heads.rows)
    counts = {row[0]: int(row[1]) for row in heads.rows}
    assert counts["punctuation"] == int(table.category_member.sel(category="punctuation").sum())
    still = table.assign(category_square=0 * table.category_square)
    assert section.lead(still).endswith("No kind of token moved by more than 2 errors.")


def test_pictures_by_umap_stand_beside_and_for_each_seed():
    table = pictured()
    figure = motion_figure(table)
    kinds = len(members(table))
    assert len(figure.data) == 2 * kinds == len(figure.frames[0].data)
    name, chosen = next(iter(members(table).items()))
    for at, frame in enumerate(figure.frames):
        places = table.umap_position.values[0, at].reshape(-1, 2)[chosen]
        found = frame.data[kinds]
        np.testing.assert_allclose(np.c_[found.x, found.y], places, atol=1e-3)
    assert figure.data[kinds].name == name.replace("_", " ")
    assert figure.data[kinds].xaxis == "x2"
    panels = seeds_figure(table)
    assert [title.text for title in panels.layout.annotations] == ["seed 1", "seed 2", "seed 3"]
    assert len(panels.data) == 3 * kinds
    found = section.section(synthetic_results(motion={3000: table}))
    assert [block.kind for block in found.blocks] == ["chart", "chart", "table"]
    assert "share 50% of the 15 nearest neighbours" in found.blocks[1].note


@pytest.mark.parametrize("given", [{}, {3000: None}])
def test_the_section_is_there_or_says_why_not(given):
    results = synthetic_results(motion={step: motion() for step in given})
    found = section.section(results)
    if given:
        assert [block.kind for block in found.blocks] == ["chart", "prose", "table"]
        assert 'pip install "somite[umap]"' in found.blocks[1].text
    else:
        assert "`somite respond --steps 8`) was not measured" in found.blocks[0].text
