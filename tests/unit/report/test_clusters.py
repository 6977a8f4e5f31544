"""The browser of clusters: what it says, what it packs, and what it says without clusters."""

import base64
import json

import numpy as np

from somite.report.sections import clusters as section
from somite.report.sections.clusters import lead, numbers, packed, verdict
from unit.report.synthetic import synthetic_results
from unit.report.synthetic_response import clusters


def test_what_was_found_is_said():
    said = lead(clusters())
    assert said.startswith(
        "At step 3k 33% of 648 tokens lie in 1 cluster; without loss there are 0"
    )
    assert "1 of 1 survives" in said
    many = clusters().assign_attrs(step=3000, recorded=100_000)
    assert lead(many).endswith("Clustered are 648 of the 100,000 recorded tokens, rows at random.")


def test_a_cloud_has_no_browser():
    table = clusters()
    empty = table.isel(cluster=slice(0)).drop_vars(["ari", "ami", "ari_p_value", "similarity"])
    found = section.section(synthetic_results(clusters={3000: empty}))
    assert "one cloud without clusters" in found.lead
    assert [block.kind for block in found.blocks] == ["table"]
    assert "agreement" not in numbers(empty)
    none = section.section(synthetic_results())
    assert "Clusters of tokens (`somite respond`) was not measured" in none.blocks[0].text


def test_numbers_are_those_of_the_table():
    table = clusters()
    (one,) = numbers(table)["clusters"]
    assert one["size"] == int((table.label == 0).sum())
    assert one["domain"] == {"name": "repeats", "share": 1.0, "base": 0.3333}
    inside = table.category_member.sel(category=one["kind"]["name"].replace(" ", "_"))
    assert one["kind"]["share"] == round(float(inside.values[table.label == 0].mean()), 4)
    assert one["kind"]["base"] == round(float(inside.mean()), 4)
    words = table.token_id.values[:, 1:][table.label == 0]
    assert one["commonest"]["share"] == round(np.bincount(words).max() / words.size, 4)
    found = numbers(table)
    assert found["statistics"]["coverage"]["permuted_p_value"] == 0.05
    assert set(found["agreement"]) == {"k_means", "hdbscan"}


def test_reasons_why_a_cluster_does_not_survive():
    one = clusters().isel(cluster=0)
    assert verdict(one) == ""
    assert verdict(one.assign(stability=0.4)) == "not stable"
    bad = one.assign(beyond_control=0.9, null_p_value=one.null_p_value * 2)
    assert verdict(bad) == "as without loss, as in noise"


def test_tokens_survive_packing():
    table = clusters()
    found = packed(table)
    labels = np.frombuffer(base64.b64decode(found["label"]), "<i2")
    np.testing.assert_array_equal(labels, table.label.values.ravel())
    ids = np.frombuffer(base64.b64decode(found["ids"]), "<u2")
    words = [found["vocabulary"][one] for one in ids]
    assert words == table.text.values[table.token_id.values.ravel()].tolist()
    assert found["clusters"][0]["mean"][3] < 0
    json.dumps(found, allow_nan=False)
