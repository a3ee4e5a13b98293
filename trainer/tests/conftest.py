import pytest
import torch
from making import CPU, model_folder

from ropewalk_trainer import model


@pytest.fixture(autouse=True, scope="session")
def _deterministic():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """Model folders by whether they are tied."""
    root = tmp_path_factory.mktemp("models")
    return {tied: model_folder(root / f"tied-{tied}", tied=tied) for tied in (True, False)}


@pytest.fixture(params=[True, False], ids=["tied", "untied"])
def source(request, folders):
    """A model folder, tied and untied in turn."""
    return folders[request.param]


@pytest.fixture
def policy(source):
    """A freshly loaded model, tied and untied in turn."""
    return model.load(source, CPU)
