import hashlib

import pytest

from colorize_tf.artifacts.model_card import model_card

CARD = {
    "name": "valley",
    "version": "1.2.3",
    "licence": "MIT",
    "recipe": "compact",
    "training_command": "python -m colorize_tf.train --minutes 5\nand then another",
    "data": {"origin": "landscapes", "licence": "theirs", "train": 4997, "validation": 300},
    "export": 4,
    "generator": "compact_unet",
    "input_size": 128,
    "parameters": 4200000,
    "weights_sha256": "abc",
    "figures": {
        "pictures": "100 landscapes rendered",
        "size": 128,
        "command": "python -m colorize_tf.export runs/mine",
        "scores": {"gray": {"ab_rmse": 18.7}, "this model": {"ab_rmse": 6.91}},
    },
}


@pytest.mark.parametrize(
    "words",
    [
        "# valley",
        "colorize_tf 1.2.3, export 4",
        "| recipe | compact |",
        "compact_unet, 4,200,000 parameters, 128 x 128 pixels",
        "4,997 pictures (300 more held out) of: landscapes",
        "| license of the photographs | theirs |",
        "    python -m colorize_tf.train --minutes 5\n    and then another\n",
        "100 landscapes rendered, at 128 px",
        "| gray | 18.700 |\n| this model | 6.910 |",
        "    python -m colorize_tf.export runs/mine\n",
        "people, interiors and other subjects get wrong colors",
    ],
)
def test_a_model_card_states(words, tmp_path):
    assert words in model_card(CARD, tmp_path)


def test_text_is_escaped_in_a_cell(tmp_path):
    data = {**CARD["data"], "origin": "lakes | hills\nin May", "licence": "mine | yours"}
    text = model_card({**CARD, "data": data}, tmp_path)
    assert r"of: lakes \| hills in May |" in text
    assert r"| license of the photographs | mine \| yours |" in text


def test_unknown_facts_are_marked(tmp_path):
    unknown = {**CARD, "recipe": None, "data": None, "training_command": None}
    del unknown["figures"]
    text = model_card(unknown, tmp_path)
    for words in (
        "| recipe | not known |",
        "| learned from | not known |",
        "| license of the photographs | not known |",
        "    not known\n",
        "None were measured.",
    ):
        assert words in text
    assert "None |" not in text


def test_each_file_is_listed_with_its_hash(tmp_path):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").write_bytes(b"model" * 4000)
    digest = hashlib.sha256(b"model" * 4000).hexdigest()
    assert f"| 1/saved_model.pb | 0.02 | `{digest}` |" in model_card(CARD, tmp_path)
