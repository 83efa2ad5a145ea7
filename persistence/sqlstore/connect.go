package sqlstore

import (
	"context"
	"crypto/tls"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/lib/pq"

	"cierzo/fault"
)

// connector connects to a server, within its context: lib/pq minds it only while it dials, so a server that accepts and
// then says nothing would keep it for all of connect_timeout.
type connector struct {
	config pq.Config
}

// newConnector reads the address. binary says that arguments of type []byte are sent as they are, for they are values in the server's
// binary form.
func newConnector(dsn string, binary bool) (*connector, error) {
	config, err := pq.NewConfig(dsn)
	if err != nil {
		return nil, err
	}
	config.BinaryParameters = config.BinaryParameters || binary
	return &connector{config}, nil
}

// Driver implements driver.Connector.
func (c *connector) Driver() driver.Driver { return &pq.Driver{} }

// Connect implements driver.Connector.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := pq.NewConnectorConfig(c.config)
	if err != nil {
		return nil, err
	}
	d := &dialer{}
	inner.Dialer(d)
	stop := context.AfterFunc(ctx, d.cut)
	conn, err := inner.Connect(ctx)
	if stop() {
		if err != nil {
			return nil, err
		}
		return &serverConn{pqConn: conn.(pqConn), socket: d.dialed(), shapes: map[shape]driver.StmtExecContext{}}, nil
	}
	if err == nil {
		err = conn.Close()
	}
	return nil, errors.Join(ctx.Err(), err)
}

// pqConn is what lib/pq's connections offer to database/sql.
type pqConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

// serverConn is a connection with the statements that it has prepared for whole batches.
type serverConn struct {
	pqConn
	socket net.Conn
	shapes map[shape]driver.StmtExecContext
	types  map[string]uint32 // numbers of the types of rows; nil: not asked for yet
}

// ResetSession implements driver.SessionResetter: database/sql calls it when it takes a connection that was idle, and takes another
// one after driver.ErrBadConn. A server that has said goodbye meanwhile, or is gone, shows here, where nothing has been sent yet.
func (c *serverConn) ResetSession(ctx context.Context) error {
	if err := c.pqConn.ResetSession(ctx); err != nil {
		return err
	}
	if spoken(c.socket) {
		return driver.ErrBadConn
	}
	return nil
}

// whole is the statement for a batch, with its arguments. errNotAll: the connection keeps too many statements.
func (c *serverConn) whole(ctx context.Context, w *whole) (driver.StmtExecContext, []driver.NamedValue, error) {
	stmt := c.shapes[w.kind]
	if stmt == nil {
		if len(c.shapes) >= shapesMax {
			return nil, nil, errNotAll
		}
		prepared, err := c.PrepareContext(ctx, wholeText(w.sheets, w.single()))
		if err != nil {
			return nil, nil, err
		}
		stmt = prepared.(driver.StmtExecContext)
		c.shapes[w.kind] = stmt
	}
	if c.types == nil {
		types, err := c.rowTypes(ctx)
		if err != nil {
			return nil, nil, err
		}
		c.types = types
	}
	args := make([]driver.NamedValue, len(w.sheets))
	for i, s := range w.sheets {
		args[i] = driver.NamedValue{Ordinal: i + 1}
		if w.single() {
			args[i].Value = s.record()
		} else {
			args[i].Value = s.binary(c.types[s.rowType])
		}
	}
	return stmt, args, nil
}

// rowTypesQuery gives the numbers of the types of rows in this database.
const rowTypesQuery = `SELECT t, CAST(CAST(CAST(t AS REGTYPE) AS OID) AS INT8) FROM unnest(ARRAY['turn_creation', 'turn_update', 'turn_given', 'turn_data',
'turn_task', 'turn_task_update', 'turn_action', 'turn_action_update', 'turn_history', 'turn_notice', 'turn_newest', 'turn_definitions']) AS t`

func (c *serverConn) rowTypes(ctx context.Context) (map[string]uint32, error) {
	rows, err := c.QueryContext(ctx, rowTypesQuery, nil)
	if err != nil {
		return nil, err
	}
	types, row := map[string]uint32{}, make([]driver.Value, 2)
	for err = rows.Next(row); err == nil; err = rows.Next(row) {
		name, ok := row[0].(string)
		number, isNumber := row[1].(int64)
		if !ok || !isNumber {
			err = fault.New(fault.Internal, "type %v of rows has the number %v", row[0], row[1])
			break
		}
		types[name] = uint32(number)
	}
	if !errors.Is(err, io.EOF) {
		return nil, errors.Join(err, rows.Close())
	}
	return types, rows.Close()
}

// dialer remembers what it has dialed last, so that it can be cut.
type dialer struct {
	net.Dialer

	mu   sync.Mutex
	conn net.Conn
}

var _ pq.DialerContext = (*dialer)(nil)

// DialTimeout implements pq.Dialer.
func (d *dialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

// DialContext implements pq.DialerContext.
func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := d.Dialer.DialContext(ctx, network, address)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.conn = conn
	return conn, err
}

// dialed is the last connection.
func (d *dialer) dialed() net.Conn {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.conn
}

func (d *dialer) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn != nil {
		_ = d.conn.Close() // who reads from it gets the error
	}
}

// classifyConnect is classify for the first connection, where much is the address's fault; it adds what may help.
func (s *Store) classifyConnect(err error) error {
	var answer *pq.Error
	var certificate *tls.CertificateVerificationError
	kind, hint := fault.Invalid, ""
	switch {
	case errors.Is(err, pq.ErrSSLNotSupported):
		hint = "the server has no TLS: add sslmode=disable to the address if the network between can be trusted"
	case errors.As(err, &certificate):
		hint = "check sslmode and sslrootcert in the address"
	case errors.As(err, &answer) && answer.Code.Class() == "28":
		hint = "check the user and the password in the address, and whom the server lets in"
	case errors.As(err, &answer) && answer.Code == "3D000":
		hint = "create the database first, or correct its name in the address"
	case errors.As(err, &answer) && (answer.Code.Class() == "42" || answer.Code.Class() == "22" || answer.Code == "08P01"):
		hint = "check the parameters in the address"
	case errors.As(err, &answer):
		kind, hint = fault.Unavailable, "the server can't serve now"
	default:
		kind, hint = fault.Unavailable, "is the server running, and can it be reached from here?"
	}
	return fault.Wrap(kind, err, "database %s: %s", s.target, hint)
}
