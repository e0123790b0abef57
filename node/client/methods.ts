// Over 500 lines: made from the methods’ schemas by `npm run docs`. Change those, not this file.

/** Every method of a node by its name: what it takes and what it answers, in JSON. */
export interface RpcMethods {
  /** This node: who it is, how far it has come, what it measures. */
  'node.status': {
    params: Record<string, never>;
    result: {
      name: string;
      publicKey: string;
      chainId: string;
      version: string;
      height: number;
      hash: string;
      time: number;
      peers: number;
      agreement: {
        height: number;
        period: number;
        active: boolean;
      };
      metrics: Record<string, number>;
    };
  };
  /** The links of this node to other validators, and what it knows of each one’s clock. */
  'node.peers': {
    params: Record<string, never>;
    result: {
      peers: Array<{
        publicKey: string;
        clockOffsetMs: unknown;
        roundTripMs: unknown;
      }>;
      clockOffsetMs: unknown;
    };
  };
  /** The head of the chain. With afterHeight and waitMs it waits for a head above that height. */
  'chain.status': {
    params: {
      afterHeight?: number | undefined;
      waitMs?: number | undefined;
    };
    result: {
      chainId: string;
      name: string;
      height: number;
      hash: string;
      time: number;
      base: number;
      committee: string[];
    };
  };
  /** The genesis file that this chain began with. */
  'chain.genesis': {
    params: Record<string, never>;
    result: {
      genesis: string;
    };
  };
  /** A block by its height (from 1) or hash: header, what became of its transactions, who certified it. */
  'chain.block': {
    params: {
      height?: number | undefined;
      hash?: string | undefined;
    };
    result: {
      hash: string;
      height: number;
      level: number;
      time: number;
      parent: string;
      leader: string | null;
      seed: string;
      seedProof: string | null;
      transactionsRoot: string;
      protocol: number;
      receiptsRoot: string;
      parentVotesRoot: string;
      nextRingRoot: string;
      stateRoot: string;
      transactions: Array<{
        hash: string;
        from: string;
        contract: string;
        method: string;
        level: number;
        nonce: number;
        ok: boolean;
        code: unknown;
      }>;
      certificate: {
        period: number;
        signers: number;
      };
      empty: boolean;
    };
  };
  /** Encoded blocks with their certificates, and receipts if asked for, from a height up to another or to what fits one answer. */
  'chain.export': {
    params: {
      from: number;
      to: number;
      receipts?: boolean | undefined;
    };
    result: {
      blocks: Array<{
        block: string;
        certificate: string;
        receipts?: string[] | undefined;
      }>;
      next: number | null;
    };
  };
  /** Makes a copy of the chain folder beside it, for `consilium chain backup`, which checks it and moves it away. From this machine only. */
  'chain.backup': {
    params: Record<string, never>;
    result: {
      height: number;
      hash: string;
    };
  };
  /** Over a WebSocket alone: sends what blocks tell as notifications chain.item, from a place on, losing nothing. */
  'chain.subscribe': {
    params: {
      topic: "blocks" | "events";
      from?: {
        height: number;
        index?: number | undefined;
      } | undefined;
      contract?: string | undefined;
      kind?: string | undefined;
      task?: number | undefined;
    };
    result: {
      subscription: string;
      from: {
        height: number;
        index: number;
      };
    };
  };
  /** Over a WebSocket alone: ends a subscription of this socket. */
  'chain.unsubscribe': {
    params: {
      subscription: string;
    };
    result: {
      ended: true;
    };
  };
  /** An account, by its id or any of its keys: role, level, status, nonces, reputation. */
  'account.get': {
    params: {
      publicKey: string;
    };
    result: {
      account: string;
      publicKey: string;
      nonce: number;
      nextNonce: number;
      role: "validator" | "device" | "provider" | "publisher";
      name: string;
      hospital: string;
      level: number;
      area: string;
      status: "active" | "suspended";
      balance: number;
      keys: number;
      changedHeight: number;
      stateKeys: {
        account: string;
        levels: string;
      };
      seat: "held" | "weightless" | "lost" | null;
      reputation: {
        points: number;
        blacklisted: boolean;
      } | null;
    };
  };
  /** An account’s level, how it got there, and what it takes to rise. By its id or any of its keys. */
  'account.levels': {
    params: {
      publicKey: string;
    };
    result: {
      account: string;
      level: number;
      completed: number;
      completions: number;
      total: number;
      changes: Array<{
        height: number;
        from: number;
        to: number;
        cause: "completion" | "leak" | "authority";
      }>;
      stateKey: string;
    };
  };
  /** The accounts of a hospital, the newest first; without a hospital, those that no hospital answers for. */
  'account.list': {
    params: {
      hospital?: string | undefined;
      from?: string | null | undefined;
      limit?: number | undefined;
    };
    result: {
      hospital: string;
      total: number;
      accounts: Array<{
        account: string;
        publicKey: string;
        role: "validator" | "device" | "provider" | "publisher";
        name: string;
        level: number;
        area: string;
        status: "active" | "suspended";
      }>;
      next: unknown;
    };
  };
  /** Every validator there ever was, its seat and weight, and the changes that wait for approvals. */
  'validator.list': {
    params: Record<string, never>;
    result: {
      height: number;
      era: number;
      eraHeights: number;
      validators: Array<{
        publicKey: string;
        vrfPublicKey: string;
        name: string;
        hospital: string;
        seat: "held" | "weightless" | "lost";
        points: number;
        weight: number | null;
        nextWeight: number | null;
      }>;
      approvalsNeeded: number;
      proposals: Array<{
        proposal: number;
        action: "add" | "remove" | "replace" | "admit" | "suspend" | "reinstate" | "recover" | "levels" | "leak";
        publicKey: string;
        candidate: {
          vrfPublicKey: string | null;
          name: string;
          hospital: string;
          role: "validator" | "device" | "provider" | "publisher";
          level: number;
          area: string;
        } | null;
        newPublicKey: string | null;
        levels: Array<{
          account: string;
          level: number;
        }>;
        leak: {
          task: number;
          evidence: string;
        } | null;
        proposer: string;
        approvals: string[];
        rejections: string[];
        expiresAt: number;
      }>;
    };
  };
  /** Hands in a signed transaction with its payloads. Does not wait for a block: tx.get does. */
  'tx.submit': {
    params: {
      transaction: string;
      payloads?: string[] | undefined;
    };
    result: {
      hash: string;
    };
  };
  /** What became of a transaction. With waitMs it waits until a block holds it. */
  'tx.get': {
    params: {
      hash: string;
      waitMs?: number | undefined;
    };
    result: {
      status: "committed";
      height: number;
      index: number;
      ok: boolean;
      code: unknown;
      detail: unknown;
      events: Array<{
        contract: string;
        kind: string;
        fields: Record<string, unknown>;
      }>;
    } | {
      status: "pending";
    } | {
      status: "unknown";
    };
  };
  /** Tasks by ascending id: 100 from the given id on, else the newest ones. */
  'task.list': {
    params: {
      from?: number | undefined;
    };
    result: Array<{
      id: number;
      kind: "training" | "content";
      title: string;
      level: number;
      status: "enrolling" | "running" | "ending" | "done" | "failed" | "withdrawn" | "open" | "expired";
      round: number;
      rounds: number;
      reward: number;
    }>;
  };
  /** A task: its specification, who is enrolled, its open round, its newest model. */
  'task.get': {
    params: {
      task: number;
    };
    result: {
      id: number;
      spec: {
        title: string;
        level: number;
        model: {
          inputs: number;
          layers: Array<{
            kind: "dense";
            units: number;
            activation: "linear" | "relu" | "tanh" | "sigmoid";
          } | {
            kind: "conv2d";
            filters: number;
            size: number;
            padding: "same" | "valid";
            activation: "linear" | "relu" | "tanh" | "sigmoid";
          } | {
            kind: "pool2d";
            pool: "max" | "mean";
            size: number;
          } | {
            kind: "reshape";
            height: number;
            width: number;
            channels: number;
          } | {
            kind: "flatten";
          } | {
            kind: "dropout";
            rate16: number;
          } | {
            kind: "groupNorm";
            groups: number;
          }>;
        };
        weightsSeed: string;
        schema: {
          features: Array<{
            name: string;
            kind: "number" | "category";
            count: number;
            centerMicro: number;
            scaleMicro: number;
            minMicro: number;
            maxMicro: number;
            categories: string[];
            missing: string[];
            indicator: boolean;
            source: string;
          }>;
          label: {
            name: string;
            classes: string[];
            weights16: number[];
          };
          subject: unknown;
          site: unknown;
        };
        publicData: boolean;
        learningRate16: number;
        rounds: number;
        privacy: {
          unit: "record" | "patient" | "device";
          epsilonMicro: number;
          deltaPico: number;
          sigma16: number;
          clip16: number;
        };
        clipping: {
          rule: "fixed" | "adaptive" | "quantile" | "search";
          clipMin16: number;
          rate16: number;
          aim16: number;
          countSigma16: number;
        };
        verification: {
          rule: "alignment" | "multi-krum" | "none";
          front: "none" | "nearest-neighbour-mixing" | "bucketing";
          faulty: number;
          reputation: "absolute" | "paper" | "none";
        };
        aggregation: "mean" | "median" | "trimmed-mean" | "geometric-median" | "centred-clipping";
        server: {
          step: "fedavg" | "fedavgm" | "fedadam";
          momentum16: number;
          secondMoment16: number;
          adaptivity16: number;
        };
        local: {
          step: "fedsgd" | "fedavg" | "fedprox" | "scaffold";
          steps: number;
          learningRate16: number;
          proximal16: number;
          noise: "every-step" | "once";
          rate32: number;
        };
        devicesMax: number;
        quorum: number;
        enrolMs: number;
        deadlineMs: number;
        deadlineBlocks: number;
        auditHeights: number;
        reward: number;
      };
      status: "enrolling" | "running" | "ending" | "done" | "failed" | "withdrawn";
      publisher: string;
      publishedHeight: number;
      enrolUntil: number;
      enrolled: Array<{
        device: string;
        name: string;
        units: number;
        dataset: string;
      }>;
      round: {
        round: number;
        openedHeight: number;
        updates: number;
      } | null;
      model: {
        id: string;
        size: number;
      } | null;
    };
  };
  /** A task of either kind: its state, its reward, and what its gate says. Applicants from the node’s own machine only. */
  'task.gate': {
    params: {
      task: number;
    };
    result: {
      id: number;
      kind: "training" | "content";
      level: number;
      status: "enrolling" | "running" | "ending" | "done" | "failed" | "withdrawn" | "open" | "expired";
      publisher: string;
      publishedHeight: number;
      reward: number;
      paid: {
        returned: number;
        payments: Array<{
          account: string;
          amount: number;
        }>;
      } | null;
      sealedBytes: number | null;
      content: {
        places: number;
        completion: "publisher" | "providers";
        applyUntil: number;
        endsAt: number;
      } | null;
      applicants: Array<{
        provider: string;
        name: string;
        key: string;
        status: "waiting" | "admitted" | "refused";
        reason: "unsuitable" | "enough" | "conflict" | "unusable-key" | null;
        done: boolean;
      }> | null;
    };
  };
  /** The sealed content of a task, as the chain keeps it, and the task key as it was wrapped for those who were admitted. */
  'task.content': {
    params: {
      task: number;
    };
    result: {
      content: string | null;
      admissions: Array<{
        reader: string;
        enc: string;
        wrapped: string;
      }>;
    };
  };
  /** Who was admitted to the sealed content of tasks, and whom publishers reported for a leak: 100 tasks from the given id on. From the node’s own machine only. */
  'task.readers': {
    params: {
      from?: number | undefined;
    };
    result: {
      tasks: Array<{
        id: number;
        publishedHeight: number;
        readers: Array<{
          account: string;
          name: string;
          hospital: string;
          area: string;
          reported: boolean;
        }>;
      }>;
      next: number | null;
    };
  };
  /** Closed rounds of a task, at most 50. With waitMs it waits until round from has closed. */
  'task.rounds': {
    params: {
      task: number;
      from?: number | undefined;
      waitMs?: number | undefined;
    };
    result: Array<{
      round: number;
      status: "closed" | "searched" | "failed";
      openedHeight: number;
      closedHeight: number;
      clip16: number;
      verdicts: Array<{
        device: string;
        name: string;
        qualified: boolean;
        reason: "rank" | "opposes" | "distant" | "norm" | "turned" | null;
        score16: number;
        points: number;
        blacklisted: boolean;
      }>;
      weights: {
        id: string;
        size: number;
      };
      updates: number | null;
      updateBytes: number | null;
    }>;
  };
  /** What a device polls: the open round and its model. With waitMs it waits for a round above afterRound. */
  'task.current': {
    params: {
      task: number;
      afterRound?: number | undefined;
      waitMs?: number | undefined;
    };
    result: {
      status: "enrolling" | "running" | "ending" | "done" | "failed" | "withdrawn";
      round: number | null;
      weights: {
        id: string;
        size: number;
      } | null;
      optimizer: {
        id: string;
        size: number;
      } | null;
      clip16: number | null;
    };
  };
  /** The weights of a task after a round, or the newest: float32, little-endian. */
  'model.get': {
    params: {
      task: number;
      round?: number | undefined;
    };
    result: {
      id: string;
      size: number;
      bytes: string;
      spec: {
        inputs: number;
        layers: Array<{
          kind: "dense";
          units: number;
          activation: "linear" | "relu" | "tanh" | "sigmoid";
        } | {
          kind: "conv2d";
          filters: number;
          size: number;
          padding: "same" | "valid";
          activation: "linear" | "relu" | "tanh" | "sigmoid";
        } | {
          kind: "pool2d";
          pool: "max" | "mean";
          size: number;
        } | {
          kind: "reshape";
          height: number;
          width: number;
          channels: number;
        } | {
          kind: "flatten";
        } | {
          kind: "dropout";
          rate16: number;
        } | {
          kind: "groupNorm";
          groups: number;
        }>;
      };
    };
  };
  /** The bytes of a payload that this node holds: an update, weights, an accumulator, an optimizer state. */
  'payload.get': {
    params: {
      id: string;
    };
    result: {
      bytes: string;
    };
  };
  /** The privacy budget that a device declared for a dataset, and what has been spent of it. */
  'privacy.ledger': {
    params: {
      device: string;
      dataset: string;
    };
    result: {
      unit: "record" | "patient" | "device";
      epsilonMicro: number;
      deltaPico: number;
      order: number | null;
      rhoCap: string;
      rhoSpent: string;
      epsilonSpentMicro: number;
      charges: number;
    };
  };
  /** This hospital’s signature under the terms on which one of its devices enrols. From this machine only. */
  'enrolment.approve': {
    params: {
      task: number;
      device: string;
      units: number;
      dataset: string;
      schemaHash: string;
    };
    result: {
      approval: string;
    };
  };
  /** The open evaluations of the chain, or all of one task, with who has answered. */
  'evaluation.list': {
    params: {
      task?: number | undefined;
    };
    result: Array<{
      id: number;
      level: number;
      spec: {
        task: number;
        round: number;
        unit: "record" | "patient" | "device";
        bins: number;
        sigma16: number;
        quorum: number;
        deadlineMs: number;
        deadlineBlocks: number;
      };
      weights: {
        id: string;
        size: number;
      };
      status: "open" | "closed" | "failed";
      openedHeight: number;
      openedTime: number;
      closedHeight: number | null;
      answered: Array<{
        device: string;
        name: string;
        height: number;
      }>;
    }>;
  };
  /** An evaluation and the sum of its answers so far. With waitMs it waits until it has ended. */
  'evaluation.get': {
    params: {
      evaluation: number;
      waitMs?: number | undefined;
    };
    result: {
      id: number;
      level: number;
      spec: {
        task: number;
        round: number;
        unit: "record" | "patient" | "device";
        bins: number;
        sigma16: number;
        quorum: number;
        deadlineMs: number;
        deadlineBlocks: number;
      };
      weights: {
        id: string;
        size: number;
      };
      status: "open" | "closed" | "failed";
      openedHeight: number;
      openedTime: number;
      closedHeight: number | null;
      answered: Array<{
        device: string;
        name: string;
        height: number;
      }>;
      sum: {
        negatives: number[];
        positives: number[];
      } | null;
    };
  };
  /** How a task was planned to be evaluated before it was published, and what its publisher claims. */
  'evaluation.plan': {
    params: {
      task: number;
    };
    result: {
      id: string;
      heldOut16: number;
      epsilonMicro: number;
      deltaPico: number;
      rhoCap: string;
      height: number;
      testSet: string | null;
      claim: {
        height: number;
        model: string;
        rows: number;
        positives: number;
        specificityMicro: number;
        measures: {
          auroc: number | null;
          auprc: number | null;
          brier: number;
          accuracy: number;
          sensitivity: number | null;
        };
      } | null;
    } | null;
  };
  /** A header with the ring that votes after it: where a light client begins that knows the block’s hash from elsewhere. */
  'proof.header': {
    params: {
      height: number;
    };
    result: {
      height: number;
      hash: string;
      start: string;
    };
  };
  /** Encoded headers of consecutive heights: how a light client goes back from a proved block. */
  'proof.headers': {
    params: {
      from: number;
      to: number;
    };
    result: {
      headers: string[];
    };
  };
  /** The steps that take a light client from a height to a later one, or as far as one answer goes: one an era, or every height where committees are a part of the ring. */
  'proof.follow': {
    params: {
      from: number;
      to: number;
    };
    result: {
      steps: string[];
      reached: number;
    };
  };
  /** Shows that a block holds a transaction, and what became of it, against the header’s two roots. */
  'proof.transaction': {
    params: {
      hash: string;
    };
    result: {
      height: number;
      proof: string;
    };
  };
  /** What the state after a block says of some keys: a value or none, with the proof for its header. */
  'proof.state': {
    params: {
      keys: string[];
      height?: number | undefined;
    };
    result: {
      height: number;
      entries: string[];
    };
  };
  /** For whoever administers the node: no link with these validators until the next call. An empty list heals it. */
  'admin.cut': {
    params: {
      validators: string[];
    };
    result: {
      cut: string[];
    };
  };
}

/** What subscriptions send, by topic. */
export interface RpcItems {
  blocks: {
    height: number;
    hash: string;
    level: number;
    time: number;
    leader: string | null;
    transactions: number;
    period: number;
  };
  events: {
    contract: string;
    kind: string;
    fields: Record<string, unknown>;
    transaction: string | null;
  };
}
