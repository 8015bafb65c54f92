"""Whether what was written gives away somebody who is masked: every byte of every artefact."""
