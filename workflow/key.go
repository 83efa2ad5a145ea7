package workflow

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// Key is where an execution lies in every store. Of most ids it is a hash, so that neighbours in time are no neighbours in
// an index or a range: those of different engines would be in each other's way. An id made by TimedID says its key
// itself. Two ids with one key are as good as impossible (2⁻⁶⁴ each); a store refuses the second.
type Key int64

// Key of the id.
func (id ExecutionID) Key() Key {
	if key, ok := id.timed(); ok {
		return key
	}
	return hashed(id.hash())
}

func hashed(sum [sha256.Size]byte) Key { return Key(binary.BigEndian.Uint64(sum[:8])) }

func (id ExecutionID) hash() [sha256.Size]byte {
	var room [64]byte // for a UUID it needs none on the heap
	return sha256.Sum256(append(room[:0], id...))
}

// timedEpoch is the first moment of which there are timed keys, in milliseconds: the year 2020. The last is in 2089.
const timedEpoch = 1_577_836_800_000

// TimedKey is the next key after the last one that lies in the order of time: 22 bits of a millisecond are left to chance, and of
// keys that are closer together 8. false: the moment is out of the range.
func TimedKey(at time.Time, random uint64, last Key) (Key, bool) {
	ms := at.UnixMilli() - timedEpoch
	if ms < 0 || ms >= 1<<41 {
		return 0, false
	}
	return max(Key(ms<<22|int64(random&(1<<22-1))), last+1+Key(random&0xff)), true
}

// TimedID is an id for a store that one process has for itself: executions that begin one after the other lie there side by
// side, so that a transaction that has several of them touches the same pages. 25 bits of it, and those of the key, are random.
//
// The form is that of the ids of parts (see PartIDs): the check of the key and the random number (32 bits), that number (25), 1 (1), the key (64).
func TimedID(key Key, random uint64) ExecutionID {
	n := random & (1<<25 - 1)
	id := format(checkBits(uint64(key), n)|numberBits(n)|timedMark, uint64(key))
	return ExecutionID(id[:])
}

func (id ExecutionID) timed() (Key, bool) {
	hi, key, ok := parse(string(id))
	if !ok || hi&timedMark == 0 {
		return 0, false
	}
	return Key(key), TimedID(Key(key), numberOf(hi)) == id
}

// timedMark is the bit by which timed ids differ from those of parts. Others of version 8 may have it, but not the check.
const timedMark = 1 << 2

// Shard is the part of the key by which engines share executions among them: its upper 8 bits, so that a shard is a range of
// keys.
func (k Key) Shard() uint16 { return uint16(uint64(k) >> 56) }

// PartIDs makes the ids of an execution's tasks and actions. An id says where its row is: it has the execution's key and the
// part's number, so that nothing has to be stored or indexed to find it. Of its 128 bits 32 are a check, which differs
// between parts, and between executions of the same id that were created at different times.
//
// The form is that of a version 8 UUID: the check (32 bits), the number (24), action or task (1), 0 (1), the key (64).
type PartIDs struct {
	key  Key
	salt uint64
}

// Ids have room for more parts than an execution may have: this doesn't compile otherwise.
const _ = uint(1<<24 - max(TasksMax, ActionsMax))

// NewPartIDs makes the ids of the parts of an execution that was created at the moment, which counts in microseconds.
func NewPartIDs(id ExecutionID, created time.Time) PartIDs {
	sum := id.hash()
	key, timed := id.timed()
	if !timed {
		key = hashed(sum)
	}
	return PartIDs{
		key:  key,
		salt: mix(binary.BigEndian.Uint64(sum[8:16]) + uint64(created.UnixMicro())*0x9e3779b97f4a7c15),
	}
}

// Key of the execution.
func (p PartIDs) Key() Key { return p.key }

// Task is the id of the task with the number.
func (p PartIDs) Task(seq int) TaskID {
	id := p.id(seq, 0)
	return TaskID(id[:])
}

// Action is the id of the action with the number.
func (p PartIDs) Action(seq int) ActionID {
	id := p.id(seq, 1)
	return ActionID(id[:])
}

func (p PartIDs) id(seq int, kind uint64) [36]byte {
	n := uint64(seq)<<1 | kind
	return format(checkBits(p.salt, n)|numberBits(n), uint64(p.key))
}

// checkBits is the check of a number, where it is in the upper word of an id.
func checkBits(salt, n uint64) uint64 { return mix(salt+n*0xd1342543de82ef95) >> 32 << 32 }

// numberBits is where a number of 25 bits is in the upper word of an id.
func numberBits(n uint64) uint64 { return n>>9<<16 | n&0x1ff<<3 }

func numberOf(hi uint64) uint64 { return hi>>16&0xffff<<9 | hi>>3&0x1ff }

// format writes a UUID of version 8: 61 bits of the upper word, for there the version and two bits of the key have their places, and
// the key.
func format(hi, key uint64) (out [36]byte) {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], hi|0x8000|key>>62)
	binary.BigEndian.PutUint64(b[8:], key&(1<<62-1)|1<<63)
	hex.Encode(out[0:8], b[0:4])
	hex.Encode(out[9:13], b[4:6])
	hex.Encode(out[14:18], b[6:8])
	hex.Encode(out[19:23], b[8:10])
	hex.Encode(out[24:36], b[10:16])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return out
}

// parse undoes format.
func parse(id string) (hi, key uint64, ok bool) {
	if len(id) != 36 || id[8] != '-' || id[13] != '-' || id[14] != '8' || id[18] != '-' || id[23] != '-' {
		return 0, 0, false
	}
	var digits [32]byte
	copy(digits[0:], id[0:8])
	copy(digits[8:], id[9:13])
	copy(digits[12:], id[14:18])
	copy(digits[16:], id[19:23])
	copy(digits[20:], id[24:36])
	var b [16]byte
	if _, err := hex.Decode(b[:], digits[:]); err != nil {
		return 0, 0, false
	}
	hi, lo := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	if lo>>62 != 0b10 {
		return 0, 0, false
	}
	return hi &^ 0xf003, hi&3<<62 | lo&(1<<62-1), true
}

// TaskSeq is the number of the execution's task with the id; false when it isn't one of this execution.
func (p PartIDs) TaskSeq(id TaskID) (int, bool) {
	_, seq, ok := id.Place()
	is := p.id(seq, 0)
	return seq, ok && string(is[:]) == string(id)
}

// ActionSeq is the number of the execution's action with the id; false when it isn't one of this execution.
func (p PartIDs) ActionSeq(id ActionID) (int, bool) {
	_, seq, ok := id.Place()
	is := p.id(seq, 1)
	return seq, ok && string(is[:]) == string(id)
}

// Place says where the task is if there is one with this id; false: there is none anywhere.
func (id TaskID) Place() (Key, int, bool) { return place(string(id), 0) }

// Place says where the action is if there is one with this id; false: there is none anywhere.
func (id ActionID) Place() (Key, int, bool) { return place(string(id), 1) }

func place(id string, kind uint64) (Key, int, bool) {
	hi, key, ok := parse(id)
	n := numberOf(hi)
	if !ok || hi&timedMark != 0 || n&1 != kind {
		return 0, 0, false
	}
	return Key(key), int(n >> 1), true
}
