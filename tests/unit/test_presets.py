import pytest

from qeval import presets


@pytest.mark.parametrize(
    ("name", "temperature", "top_p"),
    [
        ("creative_writing", 0.9, 0.95),
        ("code_generation", 0.2, 0.8),
        ("factual_qa", 0.1, 0.7),
        ("translation", 0.3, 0.8),
    ],
)
def test_a_preset_has_the_published_parameters_with_source_and_date(
    name: str, temperature: float, top_p: float
) -> None:
    preset = presets.find(name)

    assert preset is not None
    assert preset.params == {"temperature": temperature, "top_p": top_p}
    assert preset.source.startswith("Alibaba Cloud Model Studio")
    assert preset.date == "2026-06-15"


def test_there_are_four_and_no_other() -> None:
    assert presets.names() == ["code_generation", "creative_writing", "factual_qa", "translation"]
    assert presets.find("factual") is None
