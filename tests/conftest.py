"""Options of the tests."""


def pytest_addoption(parser):
    group = parser.getgroup("animegan_tf")
    group.addoption(
        "--fuzz-mutants",
        type=int,
        default=2000,
        metavar="N",
        help="damaged files to decode in test_decoder_fuzz.py (2000)",
    )
    group.addoption(
        "--fuzz-seed",
        type=int,
        default=0,
        metavar="SEED",
        help="choice of the damage; a failure names the one it had (0)",
    )
