import type { z } from 'zod';
import { accountGet } from './accountGet.js';
import { accountLevels } from './accountLevels.js';
import { accountList } from './accountList.js';
import { adminCut } from './adminCut.js';
import { chainBackup } from './chainBackup.js';
import { chainBlock } from './chainBlock.js';
import { chainExport } from './chainExport.js';
import { chainGenesis } from './chainGenesis.js';
import { chainStatus } from './chainStatus.js';
import { chainSubscribe } from './chainSubscribe.js';
import { chainUnsubscribe } from './chainUnsubscribe.js';
import { createDiscover } from './discover.js';
import { enrolmentApprove } from './enrolmentApprove.js';
import { evaluationGet } from './evaluationGet.js';
import { evaluationList } from './evaluationList.js';
import { evaluationPlan } from './evaluationPlan.js';
import type { Method } from './method.js';
import { modelGet } from './modelGet.js';
import { nodePeers } from './nodePeers.js';
import { nodeStatus } from './nodeStatus.js';
import { payloadGet } from './payloadGet.js';
import { privacyLedger } from './privacyLedger.js';
import { proofFollow } from './proofFollow.js';
import { proofHeader } from './proofHeader.js';
import { proofHeaders } from './proofHeaders.js';
import { proofState } from './proofState.js';
import { proofTransaction } from './proofTransaction.js';
import { taskContent } from './taskContent.js';
import { taskCurrent } from './taskCurrent.js';
import { taskGate } from './taskGate.js';
import { taskGet } from './taskGet.js';
import { taskList } from './taskList.js';
import { taskReaders } from './taskReaders.js';
import { taskRounds } from './taskRounds.js';
import { txGet } from './txGet.js';
import { txSubmit } from './txSubmit.js';
import { validatorList } from './validatorList.js';

/** Every method by its name. A new one is a file here and a line below; the client's types follow. */
const described = {
  'node.status': nodeStatus,
  'node.peers': nodePeers,
  'chain.status': chainStatus,
  'chain.genesis': chainGenesis,
  'chain.block': chainBlock,
  'chain.export': chainExport,
  'chain.backup': chainBackup,
  'chain.subscribe': chainSubscribe,
  'chain.unsubscribe': chainUnsubscribe,
  'account.get': accountGet,
  'account.levels': accountLevels,
  'account.list': accountList,
  'validator.list': validatorList,
  'tx.submit': txSubmit,
  'tx.get': txGet,
  'task.list': taskList,
  'task.get': taskGet,
  'task.gate': taskGate,
  'task.content': taskContent,
  'task.readers': taskReaders,
  'task.rounds': taskRounds,
  'task.current': taskCurrent,
  'model.get': modelGet,
  'payload.get': payloadGet,
  'privacy.ledger': privacyLedger,
  'enrolment.approve': enrolmentApprove,
  'evaluation.list': evaluationList,
  'evaluation.get': evaluationGet,
  'evaluation.plan': evaluationPlan,
  'proof.header': proofHeader,
  'proof.headers': proofHeaders,
  'proof.follow': proofFollow,
  'proof.transaction': proofTransaction,
  'proof.state': proofState,
  'admin.cut': adminCut,
} as const;

export const methods = { ...described, 'rpc.discover': createDiscover(described) } as const;

export type MethodName = keyof typeof methods;
/** What a caller sends, in JSON form. */
export type ParamsOf<M extends MethodName> = z.input<(typeof methods)[M]['params']>;
/** What a caller gets, in JSON form. */
export type ResultOf<M extends MethodName> = z.output<(typeof methods)[M]['result']>;

export function methodNamed(name: string): Method<z.ZodType, z.ZodType> | null {
  return Object.hasOwn(methods, name)
    ? (methods[name as MethodName] as unknown as Method<z.ZodType, z.ZodType>)
    : null;
}
