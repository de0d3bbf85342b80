"""Numbers in, numbers out: intervals, paired comparisons, corrections, power. Each cites its paper.

Standard library alone at run time; the tests hold it against scipy and statsmodels.
"""
