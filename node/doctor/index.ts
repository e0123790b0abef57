/** What is wrong with a node, and how to mend it. */
export { type Examined, examineNode, examineProgram } from './examine.js';
export { type CheckName, checks, type DoctorBounds, doctorBounds, type Finding, fault } from './finding.js';
