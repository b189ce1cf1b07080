"""Run notebooks and store them with their output: python notebooks/store.py NOTEBOOK..."""

import os
import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

# Start-up messages of TensorFlow and LiteRT, which describe the machine.
NATIVE_LOG = re.compile(
    r"WARNING: All log|INFO: Created|To enable the following|[IWE]\d{4} .*\.cc:"
)
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def store(path: Path) -> None:
    """Run a notebook from top to bottom and write it back."""
    notebook = nbformat.read(path, as_version=4)
    options = {"record_timing": False, "coalesce_streams": True, "timeout": 600}
    NotebookClient(notebook, kernel_name="python3", **options).execute()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [kept for output in cell.outputs if (kept := without_logs(output))]
    notebook.metadata = METADATA
    nbformat.write(notebook, path)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def without_logs(output: nbformat.NotebookNode) -> nbformat.NotebookNode | None:
    """Return an output without start-up messages, or None if nothing is left of it."""
    if output.output_type == "stream":
        lines = [line for line in output.text.splitlines(True) if not NATIVE_LOG.match(line)]
        output.text = "".join(lines)
        return output if output.text.strip() else None
    pictures = {kind: data for kind, data in output.get("data", {}).items() if "image/" in kind}
    if pictures:
        output.data = pictures
    return output


if __name__ == "__main__":
    # Commands in a notebook run in the environment that this runs in.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for name in sys.argv[1:]:
        store(Path(name))
