"""The arithmetic of the comparison with another checkout."""

from benchmarks.before_after import Ratio


def test_the_ratio_is_of_each_round_and_its_median_not_its_mean():
    ratio = Ratio.of([(100.0, 110.0), (200.0, 180.0), (10.0, 20.0)])
    assert ratio.rounds == (0.9, 1.1, 2.0)
    assert str(ratio) == "0.900 - 1.100 - 2.000"
