"""`hexad tour`: the main job as a story, through what phones, terminals and gateways use, of a running system."""
