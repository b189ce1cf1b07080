import sys

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)

from colorize_tf.artifacts.saved_model import save_saved_model
from colorize_tf.artifacts.serving import (
    WARMUP_FILE,
    check_servable,
    write_serving_configs,
    write_warmup,
)
from colorize_tf.data.synthetic.landscapes import render_landscape
from colorize_tf.models.generator import z_size_of


@pytest.fixture(params=["generator", "noisy"])
def requests(request, tmp_path):
    """A version folder and the warm-up requests in it, by signature."""
    generator = request.getfixturevalue(request.param)
    prediction_log_pb2 = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")
    folder = tmp_path / "1"
    save_saved_model(generator, folder)
    z_size = z_size_of(generator)
    written = write_warmup(folder, render_landscape(0, 32, 32), z_size=z_size)
    assert written == folder / WARMUP_FILE
    records = tf.data.TFRecordDataset(str(folder / WARMUP_FILE)).as_numpy_iterator()
    logs = [prediction_log_pb2.PredictionLog.FromString(record) for record in records]
    assert [log.WhichOneof("log_type") for log in logs] == ["predict_log"] * (4 if z_size else 3)
    requests = [log.predict_log.request for log in logs]
    return folder, {request.model_spec.signature_name: request for request in requests}


def test_each_signature_has_a_warm_up_request_that_the_server_can_run(requests):
    folder, requests = requests
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        loaded = tf.compat.v1.saved_model.loader.load(session, ["serve"], str(folder))
        signatures = dict(loaded.signature_def)
        signatures.pop("__saved_model_init_op", None)
        assert set(requests) == set(signatures)
        for name, signature in signatures.items():
            inputs = requests[name].inputs
            assert {key: value.dtype for key, value in inputs.items()} == {
                key: value.dtype for key, value in signature.inputs.items()
            }
            feeds = {signature.inputs[k].name: tf.make_ndarray(v) for k, v in inputs.items()}
            (output,) = signature.outputs.values()
            assert len(session.run(output.name, feeds)) == 1


def test_nothing_else_is_left_beside_the_warm_up_requests(requests):
    folder, _ = requests
    assert [path.name for path in (folder / "assets.extra").iterdir()] == [
        "tf_serving_warmup_requests"
    ]


def test_without_the_extra_the_error_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    for work in (
        lambda: check_servable("landscapes"),
        lambda: write_warmup(tmp_path, np.zeros((32, 32, 3), np.uint8)),
    ):
        with pytest.raises(ValueError, match=r'pip install "colorize_tf\[serving\]"'):
            work()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "image",
    [np.zeros((32, 32, 3), np.float32), np.zeros((32, 16, 3), np.uint8), np.uint8(0)],
)
def test_another_kind_of_warm_up_image_is_refused(tmp_path, image):
    with pytest.raises(ValueError, match=f"got {image.dtype}"):
        write_warmup(tmp_path, image)


def batching_parameters():
    """The message class of `batching.config`, which no package brings.

    From tensorflow_serving/servables/tensorflow/session_bundle_config.proto.
    """
    file = descriptor_pb2.FileDescriptorProto(
        name="batching.proto",
        package="tensorflow.serving",
        syntax="proto3",
        dependency=["google/protobuf/wrappers.proto"],
    )
    message = file.message_type.add(name="BatchingParameters")
    optional, repeated = 1, 3
    for number, (name, kind) in enumerate(
        {
            "max_batch_size": "Int64Value",
            "batch_timeout_micros": "Int64Value",
            "max_enqueued_batches": "Int64Value",
            "num_batch_threads": "Int64Value",
            "thread_pool_name": "StringValue",
        }.items(),
        start=1,
    ):
        kind = f".google.protobuf.{kind}"
        message.field.add(name=name, number=number, label=optional, type=11, type_name=kind)
    message.field.add(name="allowed_batch_sizes", number=6, label=repeated, type=3)
    message.field.add(name="pad_variable_length_inputs", number=7, label=optional, type=8)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file) if hasattr(pool, "Add") else pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(
        pool.FindMessageTypeByName("tensorflow.serving.BatchingParameters")
    )


def test_the_batching_configuration_is_what_the_server_parses(tmp_path):
    batching, _ = write_serving_configs(tmp_path, "landscapes")
    parsed = text_format.Parse(batching.read_text(), batching_parameters()())
    assert batching == tmp_path / "batching.config"
    assert parsed.max_batch_size.value == 16
    assert parsed.num_batch_threads.value > 0
    assert not parsed.pad_variable_length_inputs


def test_the_models_configuration_is_what_the_server_parses(tmp_path):
    pb2 = pytest.importorskip("tensorflow_serving.config.model_server_config_pb2")
    _, models = write_serving_configs(tmp_path, "landscapes")
    parsed = text_format.Parse(models.read_text(), pb2.ModelServerConfig())
    (config,) = parsed.model_config_list.config
    assert models == tmp_path / "models.config"
    assert (config.name, config.base_path) == ("landscapes", "/models/landscapes")
    assert config.model_platform == "tensorflow"


@pytest.mark.parametrize("name", ["", "a/b", 'a"b', "a b", "..", "a:b"])
def test_a_name_that_cannot_be_served_is_refused(tmp_path, name):
    for work in (lambda: check_servable(name), lambda: write_serving_configs(tmp_path, name)):
        with pytest.raises(ValueError, match="cannot be served as"):
            work()
    assert list(tmp_path.iterdir()) == []
