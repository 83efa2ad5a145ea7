package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"cierzo/actions/std"
	"cierzo/cmd/cierzo/input"
	"cierzo/fault"
	"cierzo/node"
)

// setting is one value that a server can be given: by flag, by environment variable or in the configuration file, in
// this order of precedence. All three names follow from name.
type setting struct {
	name  string // "lease": flag --lease, variable CIERZO_LEASE, key `lease` of the file
	value string // the default, as text
	help  string
}

// serverSettings lists all settings of `cierzo server`, in the order of the help.
func serverSettings() []setting {
	return []setting{
		{"roles", "engine,runner,api", "what this node does: any of engine, runner, api"},
		{"store", "", "database: sqlite:///path, postgres://…, cockroach://… (default: a SQLite file in the data directory)"},
		{"data-dir", defaultDataDir(), "directory of the SQLite file"},
		{"listen", "127.0.0.1:8989", "address of the REST API, host:port"},
		{"bind", "", "address for other nodes, host:port (default: none; with --join a free port of 127.0.0.1)"},
		{"advertise", "", "address under which other nodes reach --bind, host:port"},
		{"join", "", "addresses of engines, host:port, comma-separated; for nodes without a store"},
		{"slots", "0", "actions that run at the same time (0: 16 per processor)"},
		{"targets", "", "names of this runner for the target of tasks, comma-separated (default: the host's name)"},
		{"lease", "9s", "how long a silent engine keeps its executions"},
		{"runner-grace", "10s", "how long a silent runner keeps its actions"},
		{"idle-after", "30s", "when an execution that only waits for a result or a user leaves memory"},
		{"idle-max", "10000", "executions that stay in memory though they only wait, also for a slot; of more, those that have waited longest leave it at once"},
		{"drain-timeout", "20s", "how long a stop waits for running actions"},
		{"auth", "off", "who may use the API: off (everybody), tokens, keystone or proxy"},
		{"auth-tokens", "", "file of tokens, for --auth tokens"},
		{"auth-proxies", "", "addresses or networks of trusted proxies, comma-separated, for --auth proxy"},
		{"policy", "", "policy file that overrides Mistral's rules, for --auth other than off"},
		{"keystone-url", "", "Keystone's address, for --auth keystone"},
		{"keystone-user", "", "the service's own account in Keystone"},
		{"keystone-password-file", "", "file with that account's password"},
		{"keystone-project", "service", "that account's project"},
		{"info-file", "", "JSON file that GET /info answers (default: it is refused)"},
		{"delete-action-executions", "false", "DELETE of action executions that belong to no workflow: allow_action_execution_deletion of Mistral"},
		{"cron", "on", "fire cron triggers from this engine: on or off"},
		{"cron-catch-up", "once", "missed ticks of cron triggers that don't say it: once, skip or all"},
		{"cron-catch-up-max", "100", "ticks that are made up for at once with all"},
		{"cron-grace", "1m", "how late a tick may be without counting as missed"},
		{"event-definitions", "", "Mistral's file of event definitions"},
		{"event-secrets", "", "file of secrets that sign events sent by HTTP, one a line"},
		{"amqp-url", "", "RabbitMQ to listen to for notifications: amqp://user:password@host:5672/"},
		{"amqp-pool", "cierzo", "name of those who share the notifications"},
		{"notify", "", "file of publishers that are told the events of all executions"},
		{"notify-give-up", "24h", "how long a notification is tried that isn't taken"},
		{"expire-every", "0s", "time between two removals of executions that have ended (0s: they are kept)"},
		{"expire-older-than", "0s", "age, since its end, beyond which an execution is removed (0s: no limit)"},
		{"expire-max-finished", "0", "executions that have ended and are kept; the oldest beyond go (0: no limit)"},
		{"expire-batch", "1000", "executions that one removal takes"},
		{"expire-ignore-states", "", "states in which executions are kept: SUCCESS, ERROR, CANCELLED, comma-separated"},
		{"legacy-functions", "false", "expressions know json_pp() and format(), which Mistral has dropped since version 15"},
		{"http-timeout", "60s", "what a request of std.http may take when its input doesn't say"},
		{"http-response-max", "5242880", "largest answer that std.http and openstack.call read, in bytes"},
		{"http-allowed-hosts", "", "hosts that std.http may ask, comma-separated (default: all)"},
		{"http-denied-networks", "169.254.0.0/16,fe80::/10", "networks that std.http never connects to, comma-separated; none for no such networks"},
		{"ssh-keys", "", "folder of private keys for std.ssh (default: .ssh in the home of the process)"},
		{"ssh-known-hosts", "", "file of host keys; std.ssh refuses others (default: any host key is accepted)"},
		{"ssh-proxy-commands", "false", "std.ssh_proxied may run programs on this machine by its input proxy_command"},
		{"javascript-timeout", "10s", "what a script of std.javascript may take"},
		{"log-level", "info", "debug, info, warn or error"},
		{"log-format", "text", "text or json"},
	}
}

func (s setting) variable() string {
	return "CIERZO_" + strings.ToUpper(strings.ReplaceAll(s.name, "-", "_"))
}

// settings are the effective values, each with where it came from.
type settings struct {
	list   []setting
	value  map[string]string
	origin map[string]string
}

// addSettingFlags declares a flag for each setting, and --config.
func addSettingFlags(cmd *cobra.Command) {
	cmd.Flags().String("config", "", "configuration file in YAML (default: /etc/cierzo/cierzo.yaml if it exists)")
	for _, s := range serverSettings() {
		cmd.Flags().String(s.name, s.value, s.help+" ["+s.variable()+"]")
	}
}

// loadSettings merges defaults, file, environment and flags.
func loadSettings(flags *pflag.FlagSet, getenv func(string) (string, bool)) (*settings, error) {
	out := &settings{list: serverSettings(), value: map[string]string{}, origin: map[string]string{}}
	path, fromFile, err := readConfigFile(flags, getenv)
	if err != nil {
		return nil, err
	}
	for _, s := range out.list {
		v, origin := s.value, "default"
		if f, ok := fromFile[s.name]; ok {
			v, origin = f, "file "+path
		}
		if e, ok := getenv(s.variable()); ok {
			v, origin = e, "environment "+s.variable()
		}
		if f := flags.Lookup(s.name); f != nil && f.Changed {
			v, origin = f.Value.String(), "flag --"+s.name
		}
		out.value[s.name], out.origin[s.name] = v, origin
	}
	return out, nil
}

// readConfigFile gives the file's values as text. Unknown keys are refused: a misspelt one would be ignored in silence.
func readConfigFile(flags *pflag.FlagSet, getenv func(string) (string, bool)) (string, map[string]string, error) {
	path, named := "/etc/cierzo/cierzo.yaml", false
	if v, ok := getenv("CIERZO_CONFIG"); ok {
		path, named = v, true
	}
	if f := flags.Lookup("config"); f != nil && f.Changed {
		path, named = f.Value.String(), true
	}
	k := koanf.New(".")
	if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
		if errors.Is(err, fs.ErrNotExist) && !named {
			return "", nil, nil
		}
		return "", nil, fault.Wrap(fault.Invalid, err, "configuration file %s", path)
	}
	values := map[string]string{}
	for _, key := range k.Keys() {
		name := strings.ReplaceAll(key, "_", "-")
		if !knownSetting(name) {
			return "", nil, fault.New(fault.Invalid, "configuration file %s: unknown key %q%s", path, key, input.Suggest(name, settingNames()))
		}
		if list := k.Strings(key); len(list) > 0 {
			values[name] = strings.Join(list, ",")
			continue
		}
		values[name] = k.String(key)
	}
	return path, values, nil
}

func knownSetting(name string) bool {
	for _, s := range serverSettings() {
		if s.name == name {
			return true
		}
	}
	return false
}

func settingNames() []string {
	var names []string
	for _, s := range serverSettings() {
		names = append(names, s.name)
	}
	return names
}

// nodeConfig makes the node's configuration of the settings. Errors name the setting and where its value came from.
func (s *settings) nodeConfig() (node.Config, error) {
	v := values{settings: s}
	cfg := node.Config{
		Slots: v.whole("slots"), RunnerGrace: v.positive("runner-grace"), LeaseTTL: v.duration("lease"), DrainTimeout: v.duration("drain-timeout"),
		IdleAfter: v.positive("idle-after"), IdleMax: v.count("idle-max"),
		LegacyFunctions: v.onOff("legacy-functions"), Standard: v.standard(),
		Store: s.value["store"], Listen: s.value["listen"], Bind: s.value["bind"], Advertise: s.value["advertise"],
		Join: s.words("join"), Targets: s.words("targets"),
	}
	for _, r := range s.words("roles") {
		cfg.Roles = append(cfg.Roles, node.Role(r))
	}
	cfg.Info, cfg.DeleteActionExecutions = v.jsonFile("info-file"), v.onOff("delete-action-executions")
	v.duties(&cfg)
	if v.err != nil {
		return cfg, v.err
	}
	if err := s.auth(&cfg); err != nil {
		return cfg, err
	}
	if onlyRunner(cfg.Roles) {
		if s.origin["listen"] == "default" {
			cfg.Listen = ""
		}
		return cfg, nil
	}
	if cfg.Store == "" {
		dir := s.value["data-dir"]
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return cfg, fault.Wrap(fault.Invalid, err, "data-dir (%s)", s.origin["data-dir"])
		}
		cfg.Store = "sqlite://" + filepath.Join(dir, "cierzo.db")
	}
	return cfg, nil
}

// values reads settings that are no mere texts. err is about the first one whose text is wrong; its value is zero.
type values struct {
	*settings
	err error
}

func (v *values) refuse(name, why string) {
	if v.err == nil {
		v.err = v.invalid(name, why)
	}
}

// duration is a time of 0 or more.
func (v *values) duration(name string) time.Duration {
	d, err := time.ParseDuration(v.value[name])
	if err != nil || d < 0 {
		v.refuse(name, "is no duration such as 10s")
		return 0
	}
	return d
}

// positive is a time above 0.
func (v *values) positive(name string) time.Duration {
	d := v.duration(name)
	if d == 0 {
		v.refuse(name, "is no duration such as 10s")
	}
	return d
}

func (v *values) whole(name string) int {
	n, err := strconv.Atoi(v.value[name])
	if err != nil {
		v.refuse(name, "is no whole number")
		return 0
	}
	return n
}

// count is a whole number above 0.
func (v *values) count(name string) int {
	n := v.whole(name)
	if n <= 0 {
		v.refuse(name, "is no whole number above 0")
	}
	return n
}

// onOff is a switch: on, off and what Go takes for true and false.
func (v *values) onOff(name string) bool {
	switch text := v.value[name]; text {
	case "on", "off":
		return text == "on"
	default:
		on, err := strconv.ParseBool(text)
		if err != nil {
			v.refuse(name, "is neither true nor false, on or off")
		}
		return on
	}
}

// jsonFile reads a file that holds a JSON object; nil: the setting names none.
func (v *values) jsonFile(name string) json.RawMessage {
	path := v.value[name]
	if path == "" {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		v.refuse(name, "can't be read: "+err.Error())
		return nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil {
		v.refuse(name, "holds no JSON object: "+err.Error())
	}
	return text
}

// duties reads the settings of triggers, notifications and housekeeping.
func (v *values) duties(cfg *node.Config) {
	t := &cfg.Triggers
	t.NoCron, t.CatchUp, t.CatchUpMax, t.Grace = !v.onOff("cron"), v.value["cron-catch-up"], v.whole("cron-catch-up-max"), v.duration("cron-grace")
	t.DefinitionsFile, t.SecretsFile = v.value["event-definitions"], v.value["event-secrets"]
	t.AMQPURL, t.AMQPPool = v.value["amqp-url"], v.value["amqp-pool"]
	cfg.Notify.File, cfg.Notify.GiveUp = v.value["notify"], v.duration("notify-give-up")
	e := &cfg.Expiration
	e.Every, e.OlderThan = v.duration("expire-every"), v.duration("expire-older-than")
	e.MaxFinished, e.Batch, e.IgnoredStates = v.whole("expire-max-finished"), v.whole("expire-batch"), v.words("expire-ignore-states")
}

// standard reads the settings of the standard actions.
func (v *values) standard() std.Config {
	cfg := standard()
	cfg.AllowedHosts = v.words("http-allowed-hosts")
	cfg.SSHKeys, cfg.SSHKnownHosts, cfg.SSHProxyCommands = v.value["ssh-keys"], v.value["ssh-known-hosts"], v.onOff("ssh-proxy-commands")
	cfg.HTTPTimeout, cfg.JavaScriptTimeout = v.positive("http-timeout"), v.positive("javascript-timeout")
	if cfg.ResponseBytesMax = v.whole("http-response-max"); cfg.ResponseBytesMax <= 0 {
		v.refuse("http-response-max", "is no number of bytes above 0")
	}
	cfg.DeniedCIDRs = []netip.Prefix{}
	for _, w := range v.words("http-denied-networks") {
		network, err := netip.ParsePrefix(w)
		switch {
		case w == "none":
		case err != nil:
			v.refuse("http-denied-networks", "has "+w+", which is no network such as 127.0.0.0/8")
		default:
			cfg.DeniedCIDRs = append(cfg.DeniedCIDRs, network)
		}
	}
	return cfg
}

// auth reads the settings of authentication. A password is in a file, not in a flag that others can see.
func (s *settings) auth(cfg *node.Config) error {
	a := &cfg.Auth
	a.Mode, a.TokensFile, a.PolicyFile = node.AuthMode(s.value["auth"]), s.value["auth-tokens"], s.value["policy"]
	a.TrustedProxies = s.words("auth-proxies")
	a.Keystone.URL, a.Keystone.User, a.Keystone.Project = s.value["keystone-url"], s.value["keystone-user"], s.value["keystone-project"]
	if path := s.value["keystone-password-file"]; path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return fault.Wrap(fault.Invalid, err, "keystone-password-file (%s)", s.origin["keystone-password-file"])
		}
		a.Keystone.Password = node.NewSecret(strings.TrimSpace(string(text)))
	}
	return nil
}

func onlyRunner(roles []node.Role) bool {
	return len(roles) == 1 && roles[0] == node.RoleRunner
}

func (s *settings) words(name string) []string {
	var out []string
	for w := range strings.SplitSeq(s.value[name], ",") {
		if w = strings.TrimSpace(w); w != "" {
			out = append(out, w)
		}
	}
	return out
}

func (s *settings) invalid(name, why string) error {
	return fault.New(fault.Invalid, "%s: %q %s (from %s)", name, s.value[name], why, s.origin[name])
}

// String shows each setting with its value and origin, aligned.
func (s *settings) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "SETTING\tVALUE\tORIGIN")
	for _, x := range s.list {
		fmt.Fprintf(w, "%s\t%s\t%s\n", x.name, maskPassword(x.name, s.value[x.name]), s.origin[x.name])
	}
	_ = w.Flush() // into memory
	return b.String()
}

// maskPassword hides the password of the address of a database or a broker: what is shown is copied into tickets.
func maskPassword(name, v string) string {
	if name != "store" && name != "amqp-url" {
		return v
	}
	scheme, rest, ok := strings.Cut(v, "://")
	if !ok {
		return v
	}
	auth, host, ok := strings.Cut(rest, "@")
	if !ok {
		return v
	}
	user, _, hasPassword := strings.Cut(auth, ":")
	if !hasPassword {
		return v
	}
	return scheme + "://" + user + ":***@" + host
}

// defaultDataDir is where a user's own server keeps its SQLite file: XDG_DATA_HOME, or /var/lib for root.
func defaultDataDir() string {
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "cierzo")
	}
	if os.Geteuid() == 0 {
		return "/var/lib/cierzo"
	}
	if home, err := os.UserHomeDir(); err == nil {
		return filepath.Join(home, ".local", "share", "cierzo")
	}
	return filepath.Join(os.TempDir(), "cierzo")
}
