from gsmooth_core.testing import conformance

test_conformance = conformance("vignette")
