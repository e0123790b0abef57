"""Times one training step (forward, backward, SGD; no clipping) at batch 64 on one thread.

Arguments: warm-up steps, measured steps, then names of models. Prints one JSON line: version and, by model, CPU and
wall milliseconds of every measured step.
"""
import json
import sys
import time

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(1)
BATCH = 64


def dense():
    net = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 2))
    return net, torch.randn(BATCH, 8), 2


def cnn():
    net = nn.Sequential(
        nn.Conv2d(1, 32, 5, padding="same"), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding="same"), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(3136, 512), nn.ReLU(), nn.Linear(512, 10),
    )
    return net, torch.rand(BATCH, 1, 28, 28), 10


MODELS = {"dense": dense, "cnn": cnn}


def times(make, warm, steps):
    net, x, classes = make()
    y = torch.arange(BATCH) % classes
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    loss_of = nn.CrossEntropyLoss()
    cpu, wall = [], []
    for step in range(warm + steps):
        begun = (time.process_time(), time.perf_counter())
        optimizer.zero_grad()
        loss_of(net(x), y).backward()
        optimizer.step()
        if step >= warm:
            cpu.append(1e3 * (time.process_time() - begun[0]))
            wall.append(1e3 * (time.perf_counter() - begun[1]))
    return {"cpu": cpu, "wall": wall, "parameters": sum(p.numel() for p in net.parameters())}


warm, steps, *names = sys.argv[1:]
print(json.dumps({"version": torch.__version__, **{name: times(MODELS[name], int(warm), int(steps)) for name in names}}))
