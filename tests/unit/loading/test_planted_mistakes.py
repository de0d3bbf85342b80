from pathlib import Path

import pytest

from qeval.errors import SuiteError
from qeval.loading import read

PLANTED = Path(__file__).parents[2] / "data/mistakes/suites/planted.yaml"
WHOLE = """\
suites/planted.yaml:3: dialect 'dashscope_text' is none of chat, dashscope-multimodal, \
dashscope-text, responses
suites/planted.yaml:4: a literal Authorization header is a secret in the suite
suites/planted.yaml:5: python '/tmp/outside.py' is not a path below the project: \
absolute paths and ~ are refused
suites/planted.yaml:6: model '${MODEL}': ${NAME} is for region, workspace, base_url and headers
suites/planted.yaml:8: temperature 2.5 is out of range: ≥ 0 and < 2
suites/planted.yaml:8: passes '4 of 5' is not a pass rule: all, any, 4/5 or 80%
suites/planted.yaml:9: top_p 1.5 is out of range: > 0 and ≤ 1
suites/planted.yaml:9: sweep or grid, not both
suites/planted.yaml:10: unknown preset 'factual'
suites/planted.yaml:11: 'bad id' is not an id: letters, digits, . _ - \
(80 at most, no device name, first a letter or digit)
suites/planted.yaml:12: unknown key 'temprature' in params
suites/planted.yaml:16: key 'user' is here twice; first on line 15
suites/planted.yaml:17: contains wants text, got a list: ["Paris", "Rome"]
suites/planted.yaml:20: check 'contains' has no option 'tolerance'; it has ignore_case, of, \
extract, threshold, weight, severity, name
suites/planted.yaml:21: case id 'Twice' is here twice; first on line 18
suites/planted.yaml:23: unknown check 'contain'
suites/planted.yaml:26: unknown scenario 'cold'
suites/planted.yaml:27: without: no inherited check is called 'length'
suites/planted.yaml:28: check 'any' has no not-: limits and groups cannot be reversed
suites/planted.yaml:31: case 'quick' sets top_k, which scenario 'many' varies
suites/planted.yaml:35: check 'judge': not in this version
suites/planted.yaml:38: history '../../chat.jsonl' leads out of the project
suites/planted.yaml:39: image has no option 'fps'; it has min_pixels, max_pixels, cache
suites/planted.yaml:40: the case asks nothing
24 mistakes in suites/planted.yaml

hint: did you mean 'dashscope-text' (3), 'factual_qa' (10), 'temperature' (12), \
'contains_any' (17), 'contains' (23)?
hint: name the variable that holds the key: `api_key_env: NAME` (4)
hint: write it from the suite's own folder, such as 'data/rows.csv' (5)
hint: write the model out (6)
hint: make two scenarios of it (9)
hint: write 'bad-id', say (11)
hint: keep one of them (16)
hint: give each case an id of its own (21)
hint: known are bad id, hot, like, many (26)
hint: inherited are max_output_tokens (27)
hint: write the other group, with not- before each check inside (28)
hint: restrict the case with `scenarios:` (31)
hint: judge with a function of your own: `python: judging.py:score` (35)
hint: copy the file into the project (38)
hint: say what is asked as `user:`, `messages:` or `turns:` (40)"""


def test_twenty_four_planted_mistakes_are_all_told_at_once_on_their_lines() -> None:
    with pytest.raises(SuiteError) as caught:
        read(PLANTED)

    assert str(caught.value) == WHOLE
    assert len(caught.value.mistakes) == 24
    assert caught.value.where == "suites/planted.yaml:3"
