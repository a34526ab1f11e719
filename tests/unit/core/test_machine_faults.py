"""What the machine refuses is told in words, with the file and never its folders."""

import errno

import pytest

from impact_eval.core.findings import ImpactEvalError
from impact_eval.core.machine_faults import machine_faults_told
from impact_eval.report.texts import render_error


@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        (errno.ENOSPC, "disk_full", "Le disque est plein"),
        (errno.EACCES, "not_permitted", "pas le droit"),
        (errno.EROFS, "read_only_place", "lecture seule"),
        (errno.ENAMETOOLONG, "path_too_long", "trop long"),
        (errno.ENOENT, "path_vanished", "n’est plus là"),
        (errno.ELOOP, "link_loop", "renvoie à lui-même"),
        (errno.EISDIR, "folder_for_file", "Un dossier se trouve là"),
        (errno.ENOTDIR, "file_for_folder", "Un fichier se trouve là"),
        (errno.EMFILE, "too_many_open", "trop de fichiers"),
        (errno.EBUSY, "file_in_use", "Un autre programme"),
        (errno.EIO, "machine_refused", "n° 5"),
    ],
)
def test_each_refusal_of_the_system_has_its_words(number, code, words):
    with pytest.raises(ImpactEvalError) as refused, machine_faults_told():
        raise OSError(number, "words of the system", "/elsewhere/somebody/rapport.html")
    told = render_error(refused.value, "fr")
    assert refused.value.codes == (code,)
    assert words in told
    assert "rapport.html" in told
    assert "somebody" not in told


@pytest.mark.parametrize(
    ("error", "code"), [(MemoryError(), "memory_full"), (RecursionError(), "nested_too_deep")]
)
def test_memory_and_depth_are_told_too(error, code):
    with pytest.raises(ImpactEvalError) as refused, machine_faults_told():
        raise error
    assert refused.value.codes == (code,)


def test_a_refusal_already_in_words_goes_through():
    from impact_eval.core.findings import Finding

    with pytest.raises(ImpactEvalError) as refused, machine_faults_told():
        raise ImpactEvalError(Finding.error("empty_file", file="a.csv"))
    assert refused.value.codes == ("empty_file",)
