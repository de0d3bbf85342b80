"""Counting tokens: vocabularies, chat templates, pictures, ledgers, and what all of it costs.

A run file keeps a trial's ledger only where the tokens were counted, never a guess. So of two
machines that replay the same recordings, one with the extra `qwen` and one without, the first has
ledgers in its run file and the second has none; checks that look at them cannot judge there. Ids,
answers, usage, costs and all other scores are the same.
"""
