import argparse
import dataclasses
import errno
import json
import math
from pathlib import Path

import pytest

from animegan_tf import cli
from animegan_tf.config import TrainConfig, check_config
from animegan_tf.errors import InputError, Interrupted, OutputError, TrainingError
from animegan_tf.presets import PRESETS, SAMPLE
from animegan_tf.settings import flag_of, load_config, replaced, save_config, walk

CONFIGS = {**PRESETS, "sample": SAMPLE}
DEFAULT = TrainConfig()


def parser_of(config):
    # Wide enough for a setting a line.
    parser = cli.ArgumentParser(
        formatter_class=lambda prog: argparse.HelpFormatter(prog, 2, 100, 400)
    )
    cli.add_config_arguments(parser, config)
    return parser


def parse(line, config=DEFAULT):
    args = parser_of(config).parse_args(line.split())
    return cli.config_from_arguments(args, config)


def flat(config):
    """`{"data.image_size": 256, ...}`."""
    return {path: value for path, _, value in walk(config)}


# Flags.


@pytest.mark.parametrize(
    "line, path, value",
    [
        ("--epochs 7", "epochs", 7),
        ("--run-dir somewhere/else", "run_dir", Path("somewhere/else")),
        ("--precision mixed_bfloat16", "precision", "mixed_bfloat16"),
        ("--image-size 128", "data.image_size", 128),
        ("--photos my/photos", "data.photos", Path("my/photos")),
        ("--no-flip", "data.flip", False),
        ("--generator-rate 3e-5", "optimizer.generator_rate", 3e-5),
        ("--ema 0", "optimizer.ema", 0.0),
        ("--weights.color 12", "weights.color", 12.0),
        ("--weights.style 1 2.5 3", "weights.style", (1.0, 2.5, 3.0)),
        ("--weights.pretrain-main 0", "weights.pretrain_main", 0.0),
        ("--targets.superpixels slic", "targets.superpixels", "slic"),
        ("--targets.min-size 80", "targets.min_size", 80),
    ],
)
def test_a_flag_changes_its_setting_and_nothing_else(line, path, value):
    before, after = flat(DEFAULT), flat(parse(line))
    assert after == {**before, path: value}
    assert type(after[path]) is type(value)


def test_no_flag_changes_nothing():
    for config in CONFIGS.values():
        assert parse("", config) == config


def test_flags_of_several_groups_go_together():
    config = parse("--epochs 3 --batch-size 2 --weights.content 1 --beta-1 0.9")
    changed = dict(flat(config).items() - flat(DEFAULT).items())
    assert changed == {
        "epochs": 3,
        "data.batch_size": 2,
        "weights.content": 1.0,
        "optimizer.beta_1": 0.9,
    }


def test_a_boolean_can_be_switched_on_again():
    off = replaced(DEFAULT, "data.flip", False)
    assert parse("", off).data.flip is False
    assert parse("--flip", off).data.flip is True


@pytest.mark.parametrize(
    "line, named",
    [
        ("--epochs many", "--epochs.*many"),
        ("--weights.style 1 2", "--weights.style"),
        ("--targets.superpixels voronoi", "voronoi"),
        ("--lr 1", "--lr"),
    ],
)
def test_a_wrong_flag_is_one_sentence(line, named):
    with pytest.raises(InputError, match=named) as caught:
        parse(line)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", CONFIGS)
def test_every_setting_has_a_flag_with_help_and_its_default(name):
    shown = parser_of(CONFIGS[name]).format_help().splitlines()
    for path, value in flat(CONFIGS[name]).items():
        flag = flag_of(path)
        (line,) = (x for x in shown if x.split()[:1] in ([flag], [f"{flag},"]))
        if isinstance(value, tuple):
            value = " ".join(f"{x:g}" for x in value)
        help, default = line.rsplit(" (default: ", 1)
        assert default == f"{'none' if value is None else value})"
        assert len(help.split("  ")[-1]) > 8, f"{flag} has no help"


@pytest.mark.parametrize(
    "path, flag",
    [
        ("run_dir", "--run-dir"),
        ("data.image_size", "--image-size"),
        ("optimizer.beta_1", "--beta-1"),
        ("weights.anime_real", "--weights.anime-real"),
        ("health.window", "--health.window"),
    ],
)
def test_flags_name_the_groups_of_rare_settings(path, flag):
    assert flag_of(path) == flag


# Files.


@pytest.mark.parametrize("name", CONFIGS)
def test_settings_survive_a_file(tmp_path, name):
    config = replaced(CONFIGS[name], "data.photos", Path("some/photos"))
    save_config(config, tmp_path / "config.json")
    loaded = load_config(tmp_path / "config.json", TrainConfig)
    assert loaded == config
    for path, value in flat(config).items():
        # Paths are of the system's own kind.
        assert isinstance(flat(loaded)[path], type(value)), path
    assert [p.name for p in tmp_path.iterdir()] == ["config.json"]


def test_a_setting_that_is_missing_has_its_default(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"epochs": 12, "data": {"image_size": 64}}')
    expected = replaced(replaced(DEFAULT, "epochs", 12), "data.image_size", 64)
    assert load_config(path, TrainConfig) == expected


@pytest.mark.parametrize(
    "text, named",
    [
        ('{"epoch": 3}', "unknown epoch"),
        ('{"weights": {"colour": 1}}', "unknown colour"),
        ('{"data": null}', "None"),
        ("[]", "settings of this version"),
        ("{", "settings of this version"),
        ('{"epochs": "many"}', "'many' for epochs"),
        ('{"epochs": 1.5}', "epochs"),
        ('{"epochs": true}', "epochs"),
        ('{"data": {"flip": 1}}', "flip"),
        ('{"weights": {"style": [1, 2]}}', "style"),
        ('{"weights": {"style": [1, 2, "3"]}}', "style"),
        ('{"run_dir": null}', "run_dir"),
        pytest.param('{"data": {"crop": 1%s}}' % ("0" * 400), "float", id="huge"),
    ],
)
def test_a_file_that_is_no_settings_is_named(tmp_path, text, named):
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(InputError, match=f"config.json.*{named}"):
        load_config(path, TrainConfig)


def test_whole_numbers_do_where_fractions_may_be(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"weights": {"color": 3, "style": [1, 2, 3]}}')
    weights = load_config(path, TrainConfig).weights
    assert weights.color == 3.0 and type(weights.color) is float
    assert weights.style == (1.0, 2.0, 3.0)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "config.json", tmp_path / "file" / "config.json"):
        with pytest.raises(InputError, match=f"{path.name} must be a readable file"):
            load_config(path, TrainConfig)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "config.json"
    save_config(DEFAULT, path)
    old = path.read_text()

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "disk full")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OutputError, match="disk full"):
        save_config(SAMPLE, path)
    assert path.read_text() == old
    assert json.loads(old)["epochs"] == DEFAULT.epochs


# Rules.


@pytest.mark.parametrize("name", CONFIGS)
def test_what_is_offered_keeps_the_rules(name):
    check_config(CONFIGS[name])


@pytest.mark.parametrize(
    "path, bad, good",
    [
        ("data.image_size", (24, 0, -64, 36, 100), (32, 40, 256)),
        ("data.batch_size", (0, -1), (1,)),
        ("data.crop", (-0.1, 0.6, math.nan), (0.0, 0.5)),
        ("data.augment", (-0.1, 1.1, math.nan), (0.0, 1.0)),
        ("data.seed", (-1, 2**32), (0, 2**32 - 1)),
        ("pretrain_epochs", (-1,), (0, 200)),
        ("epochs", (0, -3), (1,)),
        ("steps_per_epoch", (-1,), (0, 1)),
        ("save_every", (0,), (1, 1000)),
        ("save_steps", (-1,), (0, 1)),
        ("keep_checkpoints", (0,), (1,)),
        ("width", (0, -4), (1,)),
        ("memory", (0,), (1,)),
        ("targets.min_size", (0,), (1,)),
        ("targets.denoise", (0.0, -1.0, math.inf, math.nan), (0.1,)),
        ("targets.template", (0,), (1,)),
        ("targets.workers", (-1,), (0, 3)),
        ("optimizer.pretrain_rate", (0.0, -1e-4, 1.0, math.nan), (1e-6,)),
        ("optimizer.generator_rate", (0.0, math.inf), (1e-6,)),
        ("optimizer.discriminator_rate", (0.0, math.nan), (1e-6,)),
        ("optimizer.beta_1", (-0.1, 1.0), (0.0, 0.9)),
        ("optimizer.beta_2", (1.0, math.nan), (0.0, 0.999)),
        ("optimizer.ema", (-0.1, 1.0, math.nan), (0.0, 0.9999)),
        ("evaluation.evaluate_every", (-1,), (0,)),
        ("evaluation.patience", (-1,), (0, 5)),
        ("objective.gradient_weight", (0.0, -1.0, math.inf, math.nan), (0.1,)),
        ("objective.gamma", (0.0, math.nan), (5.0,)),
        ("objective.minibatch", (-1,), (0, 32)),
        ("objective.generator_steps", (0,), (1, 2)),
        ("objective.discriminator_steps", (0, -1), (1, 5)),
        ("objective.diff_augment_share", (-0.1, 1.1, math.nan), (0.0, 1.0)),
        ("objective.ada_target", (-0.1, 1.1, math.nan), (0.0,)),
        ("objective.ada_pictures", (0,), (1,)),
        (
            "objective.diff_augment",
            ("", "cutout,", "blur", "cutout,cutout", "none,cutout"),
            ("none", "cutout", "translation,brightness", "cutout, brightness"),
        ),
        ("precision", ("float16", ""), ("mixed_bfloat16",)),
        ("health.window", (9,), (10,)),
        ("health.ignore", ("boredom",), ("mode collapse, identity mapping",)),
        ("weights.color", (-1.0, math.nan, math.inf), (0.0, 99.0)),
        ("weights.style", ((1.0, -1.0, 1.0), (1.0, 1.0, math.nan)), ((0.0,) * 3,)),
    ],
)
def test_a_broken_rule_is_named_as_its_flag(path, bad, good):
    for value in bad:
        with pytest.raises(InputError) as caught:
            check_config(replaced(DEFAULT, path, value))
        sentence = str(caught.value)
        assert sentence.startswith(f"{flag_of(path)} must be ")
        assert sentence.endswith(f", received {value}.")
    for value in good:
        check_config(replaced(DEFAULT, path, value))


def test_an_evaluation_needs_pictures_and_a_network():
    given = {"photos": Path("a"), "anime": Path("b"), "network": Path("imagenet")}
    config = replaced(DEFAULT, "evaluation.evaluate_every", 2)
    for name in given:
        with pytest.raises(InputError, match=f"--evaluate-{name} must be given with"):
            check_config(config)
        config = replaced(config, f"evaluation.evaluate_{name}", given[name])
    check_config(config)


@pytest.mark.parametrize(
    "bad, good, match",
    [
        (
            "--generator-steps 2 --discriminator-steps 3",
            "--discriminator-steps 3",
            "--discriminator-steps must be 1 where",
        ),
        (
            "--ada-target 0.6",
            "--ada-target 0.6 --diff-augment cutout",
            "--ada-target must be 0 where --diff-augment is none",
        ),
        (
            "--objective wasserstein --penalty none --no-spectral",
            "--objective wasserstein --penalty none",
            "--penalty must be a penalty for wasserstein",
        ),
        (
            "--objective relativistic --minibatch 8",
            "--objective relativistic --minibatch 8 --penalty none",
            "--minibatch must be 0 with the penalty r1_r2",
        ),
        (
            "--minibatch 8 --batch-size 1",
            "--minibatch 8 --batch-size 2",
            "--minibatch must be 0 with --batch-size 1",
        ),
    ],
)
def test_stabilisers_that_cannot_go_together(bad, good, match):
    with pytest.raises(InputError, match=match) as caught:
        check_config(parse(bad))
    assert "\n" not in str(caught.value)
    check_config(parse(good))


def test_pretraining_needs_something_to_learn():
    nothing = replaced(DEFAULT, "weights.pretrain_support", 0.0)
    check_config(nothing)
    nothing = replaced(nothing, "weights.pretrain_main", 0.0)
    with pytest.raises(InputError, match="--weights.pretrain-support"):
        check_config(nothing)
    check_config(replaced(nothing, "pretrain_epochs", 0))


def test_painted_photos_are_used_by_a_phase():
    keeping = replaced(DEFAULT, "weights.painted_pixel", 20.0)
    with pytest.raises(InputError, match="--weights.painted-pixel .* received 20.0"):
        check_config(keeping)
    painted = replaced(DEFAULT, "data.photo_painted", Path("painted"))
    check_config(painted)
    unused = replaced(painted, "pretrain_epochs", 0)
    with pytest.raises(InputError, match="--pretrain-epochs"):
        check_config(unused)
    check_config(replaced(unused, "weights.painted_pixel", 20.0))


def test_presets_differ_only_in_weights_targets_and_noise():
    for config in PRESETS.values():
        assert config.weights.anime_real == 0.5
        same = dataclasses.replace(
            config,
            data=dataclasses.replace(config.data, noise=0.0),
            weights=DEFAULT.weights,
            targets=DEFAULT.targets,
        )
        assert same == DEFAULT


def test_the_docs_tell_the_presets_as_they_are():
    page = (Path(__file__).parents[1] / "docs/training.md").read_text()
    lines = [line.strip("| ").split(" | ") for line in page.splitlines()]
    header = lines.index(["setting", *PRESETS])
    table = {}
    for flag, *values in lines[header + 2 :]:
        if not flag.startswith("`--"):
            break
        table[flag.strip("`")] = dict(zip(PRESETS, values, strict=True))
    expected = {}
    for name, config in PRESETS.items():
        for path, value in flat(config).items():
            flag = "--" + path.removeprefix("data.").replace("_", "-")
            listed = path.startswith("weights.") or any(
                flat(preset)[path] != value for preset in PRESETS.values()
            )
            if listed:
                numbers = value if isinstance(value, tuple) else (value,)
                shown = " ".join(f"{x:g}" for x in numbers)
                expected.setdefault(flag, {})[name] = shown
    assert table == expected


# How a tool ends.


@pytest.mark.parametrize(
    "error, status, said",
    [
        (InputError("the folder x\nis empty"), 2, "error: the folder x is empty"),
        (TrainingError("the loss is NaN"), 3, "error: the loss is NaN"),
        (
            FileExistsError(17, "File exists", "a/b"),
            2,
            "error: [Errno 17] File exists: 'a/b'",
        ),
        (KeyboardInterrupt(), 130, "interrupted"),
        (Interrupted("stopped by SIGTERM", 15), 143, "stopped by SIGTERM"),
    ],
)
def test_what_the_user_can_mend_ends_with_one_sentence(capsys, error, status, said):
    def main():
        raise error

    with pytest.raises(SystemExit) as caught:
        cli.run_tool(main)
    assert caught.value.code == status
    assert capsys.readouterr() == ("", f"{said}\n")


def test_a_fault_of_the_program_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        cli.run_tool(lambda: 1 / 0)


def test_a_tool_that_ends_well_says_nothing(capsys):
    cli.run_tool(lambda: None)
    assert capsys.readouterr() == ("", "")
