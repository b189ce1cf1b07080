"""python -m colorize_tf.prepare: a large set of photographs to shards that training streams."""

import os
import sys
from collections.abc import Sequence

from colorize_tf import cli


def _parser():
    parser = cli.make_parser(
        "prepare",
        usage="SRC -o DST [flags]",
        description="Audit, reduce and re-encode photographs once, into sharded TFRecords that "
        "training reads by --data-dir DST, however many there are.",
        details="Given again, an interrupted command goes on where it stopped, and a finished\n"
        "one mends shards that were lost or cut short. SRC may be shared into train/ and\n"
        "val/; else a part is held out. DST gets an index (records.json); skipped.csv\n"
        "there says what was left out and why.",
        example="python -m colorize_tf.prepare photos -o prepared --licence 'CC BY 4.0'",
    )
    places = parser.add_argument_group("from where to where")
    places.add_argument("source", metavar="SRC", help="folder of photographs, gs://... or s3://...")
    places.add_argument(
        "-o",
        "--output",
        metavar="DST",
        required=True,
        help="folder for the set: an empty or a new one, gs://... or s3://...",
    )
    content = parser.add_argument_group("the set")
    content.add_argument(
        "--size",
        type=cli.number(int, 64),
        default=288,
        metavar="N",
        help="pixels of the short side: 9/8 of --image-size, times 1 + --scale-jitter [288]",
    )
    content.add_argument(
        "--quality",
        type=cli.number(int, 1, 100),
        default=95,
        metavar="N",
        help="of the JPEG files in the shards, whose chroma keeps its resolution [95]",
    )
    content.add_argument(
        "--shard-size",
        type=cli.number(int, 1, 10**6),
        default=1024,
        metavar="N",
        help="files of which a shard is made [1024]",
    )
    content.add_argument(
        "--validation",
        type=cli.number(int, 1),
        default=1000,
        metavar="N",
        help="about how many to hold out where SRC has no split, at most a tenth [1000]",
    )
    content.add_argument(
        "--origin",
        default="photographs",
        metavar="TEXT",
        help="where they come from, kept in the index [photographs]",
    )
    content.add_argument(
        "--licence",
        default="not stated",
        metavar="TEXT",
        help="under which they may be used, kept in the index and each record [not stated]",
    )
    work = parser.add_argument_group("the work")
    work.add_argument(
        "--verify",
        action="store_true",
        help="read the shards that are there to their end before they count as done",
    )
    work.add_argument(
        "--jobs",
        type=cli.number(int, 1),
        default=os.cpu_count() or 1,
        metavar="N",
        help="processes that convert, and may crash: 1 is this one [one for each core]",
    )
    return parser


@cli.command
def main(arguments: Sequence[str] | None = None) -> int:
    """Prepare a set and say what is in it; return the exit code."""
    chosen = _parser().parse_args(arguments)
    cli.start_tensorflow()
    from colorize_tf.data.records.preparation import Settings, prepare
    from colorize_tf.data.records.prepared_set import open_set

    settings = Settings(
        short_side=chosen.size,
        quality=chosen.quality,
        shard_size=chosen.shard_size,
        validation=chosen.validation,
        origin=chosen.origin,
        licence=chosen.licence,
    )
    with cli.Progress(None, "photographs") as progress:
        audit = prepare(
            chosen.source,
            chosen.output,
            settings,
            jobs=chosen.jobs,
            verify=chosen.verify,
            progress=progress.advance,
        )
    print(f"{chosen.source}: {audit.summary()}")
    train, validation = open_set(chosen.output).sides.values()
    size = sum(shard.bytes for side in (train, validation) for shard in side.shards)
    print(
        f"{chosen.output}: {len(train):,} to train on, in shards of at most {chosen.shard_size:,}, "
        f"{len(validation):,} to validate on, {size / 2**20:,.1f} MiB; train with "
        f"python -m colorize_tf.train --data-dir {chosen.output}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
