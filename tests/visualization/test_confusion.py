from __future__ import annotations

import numpy as np
import pytest

from segtcn.visualization.charts import MAX_NUMBERED, plot_confusion


def test_cells_are_percent_of_the_true_class_and_absent_classes_are_left_out():
    figure = plot_confusion([[3, 0, 1], [0, 0, 0], [0, 0, 5]], ["take", "never", "pour"])
    axes = figure.axes[0]
    np.testing.assert_allclose(axes.images[0].get_array(), [[75, 25], [0, 100]])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["take", "pour"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["take", "pour"]
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("true", "predicted")
    numbers = {text.get_position(): text.get_text() for text in axes.texts}
    assert numbers == {(0, 0): "75", (1, 0): "25", (1, 1): "100"}  # x: predicted, y: true


def test_a_class_that_is_predicted_but_never_true_has_an_empty_row():
    image = plot_confusion([[2, 2], [0, 0]], ["take", "pour"]).axes[0].images[0].get_array()
    assert np.ma.getmaskarray(image)[1].all()
    np.testing.assert_allclose(image[0], [50, 50])


def test_many_classes_have_no_numbers_and_a_figure_of_bounded_size():
    names = [f"a rather long name of class {i}" for i in range(200)]
    figure = plot_confusion(np.eye(200), names, title="Assembly")
    assert not figure.axes[0].texts
    assert max(figure.get_size_inches()) < 25
    few = plot_confusion(np.eye(MAX_NUMBERED), names[:MAX_NUMBERED])
    assert len(few.axes[0].texts) == MAX_NUMBERED
    figure.canvas.draw()


def test_numbers_contrast_with_their_cells():
    colors = {text.get_text(): text.get_color() for text in plot_confusion([[9, 1], [0, 1]], ["a", "b"]).axes[0].texts}
    assert colors["90"] == "white"
    assert colors["10"] != "white"


@pytest.mark.parametrize(
    ("confusion", "message"),
    [
        ([[1, 2]], r"must have the shape \(C, C\) for C = 2 class names .*got \(1, 2\)"),
        ([[1, -1], [0, 1]], "no negative entry"),
        ([[0, 0], [0, 0]], "holds no frame: there is nothing to draw"),
    ],
)
def test_what_cannot_be_drawn(confusion, message):
    with pytest.raises(ValueError, match=message):
        plot_confusion(confusion, ["take", "pour"])


def test_names_that_look_like_markup_or_are_long_are_drawn():
    figure = plot_confusion([[1, 0], [1, 1]], ["$\\frac{1$", "pour the milk slowly " * 20], title="$")
    figure.canvas.draw()
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names[0] == "$\\frac{1$"
    assert "…" in names[1]
    assert figure.get_size_inches()[0] < 8
