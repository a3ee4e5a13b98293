package queue

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
)

// authority signs certificates for this test.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{dir: t.TempDir()}
	a.cert = &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	a.key = a.write(t, "ca", a.cert, nil)
	return a
}

func (a *authority) path(name string) string { return filepath.Join(a.dir, name) }

func (a *authority) issue(t *testing.T, name string, usage x509.ExtKeyUsage) {
	a.write(t, name, &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, ExtKeyUsage: []x509.ExtKeyUsage{usage},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}, a.key)
}

// write makes a key and NAME.pem, NAME.key, signed by signer or by itself.
func (a *authority) write(t *testing.T, name string, c *x509.Certificate, signer *ecdsa.PrivateKey) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	if signer == nil {
		signer = key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, &key.PublicKey, signer)
	check(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	check(t, err)
	check(t, os.WriteFile(a.path(name+".pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	check(t, os.WriteFile(a.path(name+".key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	return key
}

// roundTrip proves a connection good for a run's work.
func roundTrip(t *testing.T, o Options) {
	t.Helper()
	c := connect(t, o)
	check(t, c.Setup(t.Context()))
	check(t, c.Publish(t.Context(), newJob(1, 1)))
	lease := fetch(t, c, 1)[0]
	store(t, c, newResult(1, 0, "w"))
	check(t, lease.Done(t.Context()))
	read(t, c, 1)
}

func TestTLS(t *testing.T) {
	a := newAuthority(t)
	a.issue(t, "server", x509.ExtKeyUsageServerAuth)
	a.issue(t, "client", x509.ExtKeyUsageClientAuth)
	s := startServer(t, ServerOptions{Listen: "127.0.0.1:0", Cert: a.path("server.pem"), Key: a.path("server.key"),
		ClientCA: a.path("ca.pem"), Token: "secret"})
	if !strings.HasPrefix(s.ClientURL(), "tls://") {
		t.Errorf("URL %s", s.ClientURL())
	}
	good := Options{URL: s.ClientURL(), Token: "secret", CA: a.path("ca.pem"), Cert: a.path("client.pem"), Key: a.path("client.key"), Run: "test"}
	roundTrip(t, good)
	for name, spoil := range map[string]func(*Options){
		"unknown authority":     func(o *Options) { o.CA = "" },
		"no client certificate": func(o *Options) { o.Cert, o.Key = "", "" },
		"no token":              func(o *Options) { o.Token = "" },
	} {
		bad := good
		spoil(&bad)
		begun := time.Now()
		c, err := Connect(t.Context(), bad)
		if err == nil {
			c.Close()
			t.Errorf("%s: connected", name)
		}
		if time.Since(begun) > 10*time.Second {
			t.Errorf("%s: refused after %s: %v", name, time.Since(begun), err)
		}
	}
}

// TestCredentials: a server with operator, account and user, as hosted ones are,
// and the credentials file that they hand out.
func TestCredentials(t *testing.T) {
	operator, account, user := newKey(t, nkeys.CreateOperator), newKey(t, nkeys.CreateAccount), newKey(t, nkeys.CreateUser)
	system := newKey(t, nkeys.CreateAccount) // JetStream asks for one
	systemJWT, err := jwt.NewAccountClaims(system.public).Encode(operator.pair)
	check(t, err)
	claims := jwt.NewAccountClaims(account.public)
	claims.Limits.JetStreamLimits = jwt.JetStreamLimits{DiskStorage: -1, MemoryStorage: -1}
	accountJWT, err := claims.Encode(operator.pair)
	check(t, err)
	operatorJWT, err := jwt.NewOperatorClaims(operator.public).Encode(operator.pair)
	check(t, err)
	trusted, err := jwt.DecodeOperatorClaims(operatorJWT)
	check(t, err)
	resolver := &server.MemAccResolver{}
	check(t, resolver.Store(account.public, accountJWT))
	check(t, resolver.Store(system.public, systemJWT))
	s, err := server.NewServer(&server.Options{JetStream: true, StoreDir: t.TempDir(), NoSigs: true, Host: "127.0.0.1", Port: server.RANDOM_PORT,
		MaxPayload: MaxMessage, TrustedOperators: []*jwt.OperatorClaims{trusted}, AccountResolver: resolver, SystemAccount: system.public})
	check(t, err)
	go s.Start()
	defer func() { s.Shutdown(); s.WaitForShutdown() }()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("server not ready")
	}
	userJWT, err := jwt.NewUserClaims(user.public).Encode(account.pair)
	check(t, err)
	seed, err := user.pair.Seed()
	check(t, err)
	text, err := jwt.FormatUserConfig(userJWT, seed)
	check(t, err)
	creds := filepath.Join(t.TempDir(), "user.creds")
	check(t, os.WriteFile(creds, text, 0o600))
	roundTrip(t, Options{URL: s.ClientURL(), Credentials: creds})
	if c, err := Connect(t.Context(), Options{URL: s.ClientURL(), Run: "test"}); err == nil {
		c.Close()
		t.Error("connected without credentials")
	}
}

type keyPair struct {
	pair   nkeys.KeyPair
	public string
}

func newKey(t *testing.T, create func() (nkeys.KeyPair, error)) keyPair {
	t.Helper()
	pair, err := create()
	check(t, err)
	public, err := pair.PublicKey()
	check(t, err)
	return keyPair{pair, public}
}
