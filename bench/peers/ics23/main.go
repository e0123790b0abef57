// Checks proofs with the reference implementation of ICS23, under its own SmtSpec.
//
// Reads one claim a line from standard input, as JSON: root, key and proof (CommitmentProof in protobuf) in base64,
// value in base64, or null where the claim is that the key has none. Writes "1" or "0" a line: whether it holds.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	ics23 "github.com/cosmos/ics23/go"
)

type claim struct {
	Root  []byte  `json:"root"`
	Key   []byte  `json:"key"`
	Value *[]byte `json:"value"`
	Proof []byte  `json:"proof"`
}

func holds(given claim) bool {
	var proof ics23.CommitmentProof
	if proof.Unmarshal(given.Proof) != nil {
		return false
	}
	if given.Value == nil {
		return ics23.VerifyNonMembership(ics23.SmtSpec, given.Root, &proof, given.Key)
	}
	return ics23.VerifyMembership(ics23.SmtSpec, given.Root, &proof, given.Key, *given.Value)
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		var given claim
		if err := json.Unmarshal(lines.Bytes(), &given); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		answer := "0"
		if holds(given) {
			answer = "1"
		}
		fmt.Fprintln(out, answer)
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
