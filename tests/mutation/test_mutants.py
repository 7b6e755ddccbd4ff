"""The mutants are those we promise."""

from tests.mutation.mutants import mutants_of

SOURCE = '''
def check(claims, allowed=("RS256", "ES256")):
    """A docstring is no check."""
    if claims["exp"] < 5 and not claims["sub"]:
        raise ValueError("expired")
    return [claim for claim in claims if claim in allowed]
'''


def test_each_check_is_weakened_in_every_way() -> None:
    changes = {mutant.change for mutant in mutants_of("module.py", SOURCE)}
    assert changes == {
        "drop the element «'RS256'»",
        "drop the element «'ES256'»",
        "invert «claims['exp'] < 5 and (not claims['sub'])»",
        "remove the check «claims['exp'] < 5 and (not claims['sub'])»",
        "swap and/or in «claims['exp'] < 5 and (not claims['sub'])»",
        "drop «claims['exp'] < 5» from «claims['exp'] < 5 and (not claims['sub'])»",
        "drop «not claims['sub']» from «claims['exp'] < 5 and (not claims['sub'])»",
        "drop the not of «not claims['sub']»",
        "«claims['exp'] < 5» becomes «claims['exp'] <= 5»",
        "«claims['exp'] < 5» becomes «claims['exp'] > 5»",
        "5 becomes 6",
        "remove «raise ValueError('expired')»",
        "filter by the inverse of «claim in allowed»",
        "do not filter by «claim in allowed»",
    }


def test_no_two_mutants_are_the_same_and_each_differs_in_one_place() -> None:
    mutants = mutants_of("module.py", SOURCE)
    assert len({mutant.source for mutant in mutants}) == len(mutants)
    assert {mutant.line for mutant in mutants} == {2, 4, 5, 6}
