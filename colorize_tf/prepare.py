"""python -m colorize_tf.prepare: convert a large set of photographs to shards for training."""

import argparse
import os
import sys
from collections.abc import Sequence

from colorize_tf import cli
from colorize_tf.data.records.preparation import PreparationConfig, prepare
from colorize_tf.data.records.prepared_set import open_set
from colorize_tf.options import add_config_flags, config_from_flags


def _parser() -> argparse.ArgumentParser:
    parser = cli.make_parser(
        "prepare",
        usage="SRC -o DST [flags]",
        description="Audit, reduce and re-encode photographs once, into sharded TFRecords that "
        "training reads with --data-dir DST, in constant memory.",
        details="The same command continues an interrupted preparation, and replaces shards\n"
        "that are missing or truncated. SRC may be divided into train/ and val/; else\n"
        "some photographs are held out. DST gets an index (records.json); skipped.csv\n"
        "lists the files that were left out and why.",
        example="python -m colorize_tf.prepare photos -o prepared --license 'CC BY 4.0'",
    )
    locations = parser.add_argument_group("source and destination")
    locations.add_argument(
        "source", metavar="SRC", help="folder of photographs, gs://... or s3://..."
    )
    locations.add_argument(
        "-o",
        "--output",
        metavar="DST",
        required=True,
        help="new or empty folder for the set, gs://... or s3://...",
    )
    add_config_flags(parser, PreparationConfig)
    work = parser.add_argument_group("the work")
    work.add_argument(
        "--verify",
        action="store_true",
        help="read existing shards completely before they count as done",
    )
    work.add_argument(
        "--jobs",
        type=cli.number(int, 1),
        default=os.cpu_count() or 1,
        metavar="N",
        help="processes that convert photographs; 1 uses this process alone [one per core]",
    )
    return parser


@cli.command
def main(arguments: Sequence[str] | None = None) -> int:
    """Prepare a set and print what it contains; return the exit code."""
    chosen = _parser().parse_args(arguments)
    config = config_from_flags(PreparationConfig, chosen)
    cli.start_tensorflow()
    with cli.Progress(None, "photographs") as progress:
        audit = prepare(
            chosen.source,
            chosen.output,
            config,
            jobs=chosen.jobs,
            verify=chosen.verify,
            progress=progress.advance,
        )
    print(f"{chosen.source}: {audit.summary()}")
    train, validation = open_set(chosen.output).splits.values()
    size = sum(shard.bytes for split in (train, validation) for shard in split.shards)
    print(
        f"{chosen.output}: {len(train):,} to train on, in shards of at most "
        f"{config.shard_size:,}, {len(validation):,} to validate on, {size / 2**20:,.1f} MiB; "
        f"train with python -m colorize_tf.train --data-dir {chosen.output}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
