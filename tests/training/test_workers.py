import json

import pytest
import tensorflow as tf

from colorize_tf.training.workers import Workers, expand_counts, expand_hosts, find_workers


def tf_config(index=0, kind="worker", **cluster):
    cluster = cluster or {"worker": ["a:1", "b:2", "c:3"]}
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})}


def test_workers_are_those_of_tf_config():
    workers = find_workers(tf_config(2))
    assert workers == Workers(("a:1", "b:2", "c:3"), 2)
    assert not workers.is_chief and find_workers(tf_config(0)).is_chief
    assert workers.name(2) == "worker 2 (c:3)"


def test_a_chief_comes_before_the_workers():
    cluster = {"worker": ["b:2", "c:3"], "chief": ["a:1"], "evaluator": []}
    assert find_workers(tf_config(1, **cluster)) == Workers(("a:1", "b:2", "c:3"), 2)
    assert find_workers(tf_config(0, "chief", **cluster)).is_chief


def test_a_worker_that_tensorflow_complains_of_is_named():
    workers = Workers(("a:1", "b:2", "c:3"), 0)
    message = "node on /job:worker/replica:0/task:0: unhealthy: /job:worker/replica:0/task:2\n"
    assert workers.named_in(message) == "worker 2 (c:3)"
    assert workers.named_in("Socket closed") == "another worker"


@pytest.mark.parametrize(
    "environment",
    [{}, {"TF_CONFIG": " "}, tf_config(worker=["a:1"]), {"SLURM_STEP_NUM_TASKS": "1"}],
)
def test_a_process_may_be_alone(environment):
    assert find_workers(environment) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "malformed: Expecting"),
        ("[]", "malformed: a value has the wrong type"),
        ('{"cluster": {}}', "malformed: no 'task' in it"),
        ('{"cluster": [], "task": {}}', "malformed"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker"}}', "no 'index' in it"),
        (tf_config(worker=["a:1", "b"])["TF_CONFIG"], "'b' is not host:port"),
        (tf_config(worker=["a:1", 7])["TF_CONFIG"], "7 is not host:port"),
        (tf_config(worker=["a:1", "b:0"])["TF_CONFIG"], "'b:0' is not host:port"),
        (tf_config(worker=["a:65536", "b:1"])["TF_CONFIG"], "'a:65536' is not host:port"),
        (tf_config(worker=["a:1", "a:1"])["TF_CONFIG"], "an address occurs twice"),
        (tf_config(0, ["worker"])["TF_CONFIG"], r"its task, \['worker'\] 0, is not in its cluster"),
        (tf_config(float("inf"))["TF_CONFIG"], "malformed: invalid literal .*inf"),
        (tf_config(0.7)["TF_CONFIG"], "malformed: invalid literal .*0.7"),
        (tf_config(3)["TF_CONFIG"], "its task, worker 3, is not in its cluster"),
        (tf_config(0, "evaluator")["TF_CONFIG"], "its task, evaluator 0, is not in its cluster"),
        (tf_config(0, worker=["a:1"], ps=["b:2"])["TF_CONFIG"], "no support for ps"),
    ],
)
def test_a_malformed_tf_config_says_what_is_wrong_and_what_is_right(text, words):
    with pytest.raises(ValueError, match=words) as caught:
        find_workers({"TF_CONFIG": text})
    assert 'expected such as {"cluster": {"worker": ["host0:2222"' in str(caught.value)


def test_a_tf_config_that_python_refuses_to_read_is_malformed_too():
    for text in (10**5 * "[", tf_config(worker=["a:1", f"b:{10**4 * '1'}"])["TF_CONFIG"]):
        with pytest.raises(ValueError, match="TF_CONFIG is malformed"):
            find_workers({"TF_CONFIG": text})


def slurm(index, hosts="node[09-10]", counts="2(x2)", tasks=4):
    return {
        "SLURM_STEP_NUM_TASKS": str(tasks),
        "SLURM_STEP_NODELIST": hosts,
        "SLURM_STEP_TASKS_PER_NODE": counts,
        "SLURM_PROCID": str(index),
        "SLURM_JOB_ID": "7",
    }


def test_workers_are_the_tasks_of_a_slurm_step_in_the_order_of_their_ranks():
    workers = find_workers(slurm(3))
    hosts, ports = zip(*(address.split(":") for address in workers.addresses), strict=True)
    assert (hosts, workers.index) == (("node09", "node09", "node10", "node10"), 3)
    assert int(ports[1]) - int(ports[0]) == 1 and ports[:2] == ports[2:]


def test_hosts_and_tasks_of_slurm_are_read_as_tensorflow_reads_them(monkeypatch):
    variables = slurm(0, "gpu,node[08-10,12],rack2-a", "1,2(x4),1", tasks=10)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    places = {"gpus_per_node": 2, "gpus_per_task": 1, "auto_set_gpu": False}
    expected = tf.distribute.cluster_resolver.SlurmClusterResolver(**places)
    addresses = expected.cluster_spec().as_dict()["worker"]
    came = [address.split(":")[0] for address in find_workers(variables).addresses]
    assert came == [address.split(":")[0] for address in addresses]


def test_jobs_of_slurm_that_share_a_node_have_ports_of_their_own():
    ports = {find_workers({**slurm(0), "SLURM_JOB_ID": str(job)}).addresses for job in range(50)}
    assert len({address for addresses in ports for address in addresses}) == 4 * 50


@pytest.mark.parametrize("text", ["", "node[1-x]", "r[0-1]n[0-3]", "node[1-2"])
def test_a_list_of_no_hosts_is_refused(text):
    with pytest.raises(ValueError, match="no hosts in"):
        expand_hosts(text)


def test_hosts_keep_the_zeros_and_the_order_of_their_numbers():
    assert expand_hosts("n[9-10],n[01-02]x") == ["n9", "n10", "n01x", "n02x"]
    assert expand_counts("2(x3),1") == [2, 2, 2, 1]


@pytest.mark.parametrize(
    "change",
    [
        {"SLURM_PROCID": "4"},
        {"SLURM_STEP_TASKS_PER_NODE": "many"},
        {"SLURM_STEP_TASKS_PER_NODE": "4"},
        {"SLURM_STEP_NODELIST": ""},
        {"SLURM_STEP_NUM_TASKS": "two", "SLURM_STEP_NODELIST": "a"},
    ],
    ids=str,
)
def test_variables_of_slurm_that_do_not_fit_together_are_refused(change):
    with pytest.raises(ValueError, match="Slurm's variables do not name the processes"):
        find_workers({**slurm(0), **change})
