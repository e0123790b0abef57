"""The main job in Flower's simulation: one client a device, logistic regression, one noised gradient sum a round.

Argument: a JSON file {shards: [{x, y}], test: {x, y}, rounds, sigma, clip, learningRate, cpus}. Prints one JSON line:
seconds of the whole simulation and of its rounds, rounds that had every client, accuracy of the last model.
"""
import json
import sys
import time

begun = time.perf_counter()

import flwr
import numpy
from flwr.client import ClientApp, NumPyClient
from flwr.common import ndarrays_to_parameters, parameters_to_ndarrays
from flwr.server import ServerApp, ServerAppComponents, ServerConfig
from flwr.server.strategy import FedAvg
from flwr.simulation import run_simulation

with open(sys.argv[1]) as file:
    job = json.load(file)
shards = [(numpy.array(s["x"]), numpy.array(s["y"])) for s in job["shards"]]
devices = len(shards)
closed = []


def noised_sum(weights, x, y):
    """Sum of the clipped gradients of the logistic loss, Gaussian noise added."""
    inputs = numpy.column_stack([x, numpy.ones(len(y))])
    gradients = (1 / (1 + numpy.exp(-inputs @ weights)) - y)[:, None] * inputs
    lengths = numpy.linalg.norm(gradients, axis=1)
    factors = numpy.minimum(1, job["clip"] / numpy.maximum(lengths, 1e-30))
    noise = numpy.random.default_rng().normal(0, job["sigma"] * job["clip"], weights.shape)
    return (gradients * factors[:, None]).sum(axis=0) + noise


class Device(NumPyClient):
    def __init__(self, x, y):
        self.x, self.y = x, y

    def fit(self, parameters, config):
        step = noised_sum(parameters[0], self.x, self.y) / len(self.y)
        return [parameters[0] - job["learningRate"] * step], len(self.y), {}


def client_fn(context):
    return Device(*shards[int(context.node_config["partition-id"])]).to_client()


class Counted(FedAvg):
    def aggregate_fit(self, server_round, results, failures):
        model = super().aggregate_fit(server_round, results, failures)
        closed.append((time.perf_counter(), len(results), parameters_to_ndarrays(model[0])[0]))
        return model

    def configure_fit(self, server_round, parameters, client_manager):
        if server_round == 1:
            closed.append((time.perf_counter(), 0, None))
        return super().configure_fit(server_round, parameters, client_manager)


def server_fn(context):
    width = shards[0][0].shape[1] + 1
    strategy = Counted(
        fraction_fit=1.0,
        fraction_evaluate=0.0,
        min_fit_clients=devices,
        min_available_clients=devices,
        initial_parameters=ndarrays_to_parameters([numpy.zeros(width)]),
    )
    return ServerAppComponents(strategy=strategy, config=ServerConfig(num_rounds=job["rounds"]))


run_simulation(
    server_app=ServerApp(server_fn=server_fn),
    client_app=ClientApp(client_fn=client_fn),
    num_supernodes=devices,
    backend_config={"init_args": {"num_cpus": job["cpus"]}, "client_resources": {"num_cpus": 1, "num_gpus": 0.0}},
)
weights = closed[-1][2]
x, y = numpy.array(job["test"]["x"]), numpy.array(job["test"]["y"])
accuracy = float((((x @ weights[:-1] + weights[-1]) > 0) == (y > 0.5)).mean())
print(
    json.dumps(
        {
            "version": flwr.__version__,
            "seconds": time.perf_counter() - begun,
            "roundSeconds": closed[-1][0] - closed[0][0],
            "rounds": sum(1 for _, results, _ in closed if results == devices),
            "accuracy": accuracy,
        }
    ),
    flush=True,
)
