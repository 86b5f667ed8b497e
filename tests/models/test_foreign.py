"""Models of scikit-learn, ONNX Runtime and torch.export."""

import zipfile

import numpy as np
import pytest
import torch
from helpers import QUICK
from torch import nn

from gsmooth_core import SmallConvNet, adapters, certify, export_classifier, normalized, smooth
from gsmooth_core.models.logits import logits_of as checked
from gsmooth_core.results.identity import model_hash


class Estimator:
    """As scikit-learn's, with whatever methods it is given."""

    classes_ = np.array(["cat", "dog", "owl"])

    def __init__(self, **methods):
        for name, answer in methods.items():
            setattr(self, name, lambda rows, answer=answer: np.asarray(answer)[: len(rows)])


IMAGES = torch.rand(2, 1, 4, 4)
MARGINS, SHARES, NAMES = [[1.0, 2, 3], [3, 2, 1]], [[0.0, 1, 0], [0.5, 0.25, 0.25]], ["owl", "cat"]


def test_an_estimators_methods_become_logits():
    model = adapters.from_sklearn(Estimator(decision_function=MARGINS, predict_proba=SHARES, predict=NAMES))
    assert checked(model, IMAGES).tolist() == MARGINS
    for method, classes in (("predict_proba", [1, 0]), ("predict", [2, 0])):
        logits = checked(adapters.from_sklearn(Estimator(**{method: {"predict": NAMES}.get(method, SHARES)})), IMAGES)
        assert logits.argmax(dim=1).tolist() == classes
        assert logits.isfinite().all()
    both = Estimator(decision_function=[-1.0, 1.0])
    both.classes_ = np.array([3, 5])
    assert checked(adapters.from_sklearn(both), IMAGES).argmax(dim=1).tolist() == [0, 1]
    assert "classes=['cat', 'dog', 'owl']" in repr(model)


@pytest.mark.parametrize(
    ("estimator", "method", "message"),
    [
        (Estimator(), None, "is no fitted classifier of scikit-learn: it needs classes_ and one of decision_function"),
        (object(), None, "is no fitted classifier of scikit-learn"),
        (Estimator(predict=NAMES), "predict_proba", "Estimator has no method 'predict_proba', but predict; name one"),
    ],
)
def test_what_is_no_estimator_is_a_sentence(estimator, method, message):
    with pytest.raises(ValueError, match=message):
        adapters.from_sklearn(estimator, method=method)


def test_margins_of_pairs_of_classes_are_refused():
    pairs = Estimator(decision_function=np.zeros((2, 6)))
    with pytest.raises(
        ValueError, match="decision_function of Estimator returns 6 numbers for 3 classes; name another"
    ):
        checked(adapters.from_sklearn(pairs), IMAGES)


def test_classifiers_of_scikit_learn_answer_as_they_predict(test_images, test_labels):
    pytest.importorskip("sklearn")
    from sklearn.ensemble import RandomForestClassifier, VotingClassifier
    from sklearn.linear_model import LogisticRegression, Perceptron
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    images, labels = test_images[:300, :, ::4, ::4], test_labels[:300]
    rows = images.flatten(1).numpy()
    for estimator in (
        RandomForestClassifier(10, random_state=0),
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=1_000)),
        Perceptron(),
        SVC(),
        VotingClassifier([("a", Perceptron())]),
    ):
        model = adapters.from_sklearn(estimator.fit(rows, labels.numpy()))
        answers = checked(model, images).argmax(dim=1)
        assert (answers.numpy() == estimator.predict(rows)).mean() > 0.99
    same, other = (RandomForestClassifier(3, random_state=seed).fit(rows, labels.numpy()) for seed in (0, 1))
    hashes = [model_hash(adapters.from_sklearn(forest)) for forest in (same, same, other)]
    assert hashes[0] == hashes[1] != hashes[2]
    report = certify(model, "translation:black", images[:2], labels[:2], radius=1, limit=2)
    assert "SklearnModel" in report.run.model


def linear(seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 3)).eval()


@pytest.fixture
def onnx_files(tmp_path):
    for library in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(library)
    paths = []
    for seed, batch in ((0, None), (1, None), (0, 4)):
        paths.append(tmp_path / f"net{seed}{batch}.onnx")
        export_classifier(linear(seed), paths[-1], IMAGES, batch=batch)
    return paths


def test_onnx_files_answer_as_the_network(onnx_files):
    import onnxruntime

    for path, seed in zip(onnx_files, (0, 1, 0), strict=True):
        for given in (
            path,
            str(path),
            onnxruntime.InferenceSession(path),
            onnxruntime.InferenceSession(path.read_bytes()),
        ):
            model = adapters.from_onnx(given)
            for count in (1, 2, 7):
                images = torch.rand(count, 1, 4, 4)
                assert torch.allclose(checked(model, images), linear(seed)(images), atol=1e-5)


def test_the_digest_of_onnx_is_that_of_its_bytes(onnx_files):
    import onnxruntime

    first, other, fixed = (model_hash(adapters.from_onnx(path)) for path in onnx_files)
    assert len({first, other, fixed}) == 3
    assert first == model_hash(adapters.from_onnx(onnx_files[0]))
    assert first == model_hash(adapters.from_onnx(onnxruntime.InferenceSession(onnx_files[0].read_bytes())))


def test_the_digest_of_onnx_sees_weights_in_another_file(onnx_files, tmp_path):
    import onnx

    hashes = set()
    for seed in (0, 1):
        model = onnx.load(onnx_files[seed])
        folder = tmp_path / str(seed)
        folder.mkdir()
        onnx.save_model(
            model, folder / "net.onnx", save_as_external_data=True, location="weights.bin", size_threshold=100
        )
        assert (folder / "weights.bin").stat().st_size >= 16 * 3 * 4
        assert torch.allclose(adapters.from_onnx(folder / "net.onnx")(IMAGES), linear(seed)(IMAGES), atol=1e-5)
        hashes.add(model_hash(adapters.from_onnx(folder / "net.onnx")))
    (tmp_path / "0" / "weights.bin").write_bytes((tmp_path / "1" / "weights.bin").read_bytes())
    hashes.add(model_hash(adapters.from_onnx(tmp_path / "0" / "net.onnx")))
    biases = [onnx.load(path, load_external_data=False) for path in sorted(tmp_path.glob("?/net.onnx"))]
    assert biases[0] != biases[1]  # so that the third is neither the first nor the second
    assert len(hashes) == 3


def test_wrong_onnx_is_a_sentence(onnx_files, tmp_path):
    with pytest.raises(ValueError, match="there is no file .*; name an ONNX file"):
        adapters.from_onnx(tmp_path / "nowhere.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"bad")
    with pytest.raises(ValueError, match="ONNX Runtime cannot open .*; check the file, or export it again"):
        adapters.from_onnx(tmp_path / "bad.onnx")
    with pytest.raises(ValueError, match="the ONNX model has no output 'scores', but .*; name one of these"):
        adapters.from_onnx(onnx_files[0], part="scores")


class Session:
    """As ONNX Runtime's, with inputs of one's own."""

    def __init__(self, kind="tensor(float)", count=1):
        self.kind, self.count = kind, count

    def get_inputs(self):
        from types import SimpleNamespace

        return [SimpleNamespace(name=f"x{place}", type=self.kind, shape=["n", 1, 4, 4]) for place in range(self.count)]

    def get_outputs(self):
        return [self.get_inputs()[0]]


@pytest.mark.parametrize("session", [Session("tensor(uint8)"), Session(count=2)])
def test_onnx_of_bytes_or_of_two_inputs_is_refused(session):
    with pytest.raises(ValueError, match="an ONNX model takes one input of float images, not .*; export it so"):
        adapters.from_onnx(session)


def test_a_session_that_does_not_say_what_it_holds_is_refused():
    with pytest.raises(ValueError, match="does not say which model it holds; pass the file's path"):
        adapters.from_onnx(Session())


PICKLING = tuple(map(int, torch.__version__.split(".")[:2])) < (2, 10)
raw = pytest.mark.skipif(PICKLING, reason="older versions of torch pickle what they export")


@raw
@pytest.mark.parametrize("batch", [None, 4])
def test_a_program_answers_as_the_network(tmp_path, batch):
    path = tmp_path / "net.pt2"
    export_classifier(linear(0), path, IMAGES, batch=batch)
    for model in (adapters.from_exported(torch.export.load(path)), adapters.from_exported(path)):
        assert model.batch == batch
        for count in (1, 2, 7):
            images = torch.rand(count, 1, 4, 4)
            assert torch.allclose(checked(model, images), linear(0)(images), atol=1e-6)
        assert model.train().eval() is model
    export_classifier(linear(1), tmp_path / "other.pt2", IMAGES, batch=batch)
    assert model_hash(model) == model_hash(adapters.from_exported(path))
    assert model_hash(model) != model_hash(adapters.from_exported(tmp_path / "other.pt2"))


@raw
def test_a_program_is_certified_behind_adapters(tmp_path, example_model, test_images, test_labels):
    path = tmp_path / "net.pt2"
    export_classifier(example_model, path, test_images[:2], batch=32)
    model = normalized(adapters.from_exported(path), 0, 1)
    report = certify(model, "gaussianblur", test_images[:2], test_labels[:2], budget=QUICK)
    assert [one.predicted for one in report.certificates] == smooth(example_model, "gaussianblur").predict(
        test_images[:2]
    )


def test_a_program_of_two_inputs_is_refused():
    class Two(nn.Module):
        def forward(self, images, more):
            return images + more

    program = torch.export.export(Two(), (IMAGES, IMAGES))
    with pytest.raises(ValueError, match="takes one batch of images, not 2 inputs; export it so"):
        adapters.from_exported(program)
    with pytest.raises(ValueError, match="a program of torch.export is needed, not .*; make it with"):
        adapters.from_exported(SmallConvNet())


class Payload:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return exec, (f"open({str(self.target)!r}, 'w')",)


@raw
@pytest.mark.parametrize("place", ["weights", "constants", "sample_inputs", "legacy", "custom", "capitals", "compiler"])
def test_a_program_that_holds_pickles_is_not_opened(tmp_path, place):
    import io
    import json
    import pickle

    path, forged, made = tmp_path / "net.pt2", tmp_path / "forged.pt2", tmp_path / "made"
    export_classifier(linear(0), path, IMAGES)
    buffer = io.BytesIO()
    torch.save(Payload(made), buffer)
    evil = {"custom": pickle.dumps(Payload(made))}.get(place, buffer.getvalue())
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(forged, "w") as target:
        root = source.namelist()[0].partition("/")[0]
        for name in source.namelist():
            content = source.read(name)
            if place == "sample_inputs" and "/sample_inputs/" in name:
                content = evil
            if name.endswith("weights_config.json") and place == "weights":
                config = json.loads(content)
                next(iter(config["config"].values()))["use_pickle"] = True
                content = json.dumps(config).encode()
            if name.endswith("/weight_0") and place == "weights":
                content = evil
            if name.endswith("constants_config.json") and place in ("constants", "custom"):
                file = {"constants": "tensor_0", "custom": "opaque_obj_0/../tensor_0"}[place]
                one = {"path_name": file, "is_param": False, "use_pickle": True, "tensor_meta": None}
                content = json.dumps({"config": {"c": one}}).encode()
                target.writestr(f"{root}/data/constants/tensor_0", evil)
            target.writestr(name, content)
        if place == "legacy":
            target.writestr(f"{root}/data/weights/model.pt", evil)
        if place == "capitals":  # the reader of torch finds names whatever their case
            table = {"config": {"weight": {"path_name": "evil", "is_param": True, "use_pickle": True}}}
            target.writestr(f"{root}/data/weights/MODEL_weights_CONFIG.JSON", json.dumps(table))
            target.writestr(f"{root}/data/weights/evil", evil)
        if place == "compiler":  # torch.export.load would compile it, with these flags
            target.writestr(f"{root}/data/aotinductor/model/a.wrapper.cpp", "")
            target.writestr(f"{root}/data/aotinductor/model/a_compile_flags.json", "{}")
    with pytest.raises(
        ValueError, match=r"holds pickled objects or other parts that can run code when opened \(.*\); load it yourself"
    ):
        adapters.from_exported(forged)
    assert not made.exists()


def test_what_is_no_program_is_a_sentence(tmp_path):
    (tmp_path / "net.pt2").write_bytes(b"PK")
    with pytest.raises(ValueError, match="is no file of torch.export.save .*; save it again"):
        adapters.from_exported(tmp_path / "net.pt2")
    with pytest.raises(ValueError, match="there is no file .*; name one that torch.export.save wrote"):
        adapters.from_exported(tmp_path / "nowhere.pt2")
