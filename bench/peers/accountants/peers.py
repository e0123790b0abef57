"""Reads cases (JSON lines: sigma, rate, rounds, delta, orders) from standard input, writes one line of answers each.

Opacus's RDP lies in one file without torch, which the rest of Opacus imports: it is loaded alone.
"""
import importlib.util
import json
import math
import pathlib
import sys
import sysconfig

from dp_accounting.pld import privacy_loss_distribution as pld
from dp_accounting.rdp import rdp_privacy_accountant as google

path = pathlib.Path(sysconfig.get_paths()["purelib"]) / "opacus/accountants/analysis/rdp.py"
spec = importlib.util.spec_from_file_location("opacus_rdp", path)
opacus = importlib.util.module_from_spec(spec)
spec.loader.exec_module(opacus)


def epsilon(case, interval, pessimistic):
    one = pld.from_gaussian_mechanism(
        case["sigma"],
        sampling_prob=case["rate"],
        value_discretization_interval=interval,
        pessimistic_estimate=pessimistic,
        use_connect_dots=pessimistic,
    )
    return one.self_compose(case["rounds"]).get_epsilon_for_delta(case["delta"])


for line in sys.stdin:
    case = json.loads(line)
    whole = [order for order in case["orders"] if order == int(order)]
    answer = {
        "opacus": [
            float(opacus.compute_rdp(q=case["rate"], noise_multiplier=case["sigma"], steps=case["rounds"], orders=[order])[0])
            for order in case["orders"]
        ],
        "google": [
            float(case["rounds"] * google._compute_rdp_poisson_subsampled_gaussian(case["rate"], case["sigma"], [order])[0])
            for order in whole
        ],
        "pessimistic": epsilon(case, case["interval"], True),
        "optimistic": epsilon(case, case["interval"], False),
    }
    print(json.dumps({k: v if isinstance(v, list) or math.isfinite(v) else None for k, v in answer.items()}), flush=True)
