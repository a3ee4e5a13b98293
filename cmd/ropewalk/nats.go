package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ropewalk/ropewalk/rollout/queue"
)

func newNatsCommand() *cobra.Command {
	o := queue.ServerOptions{Name: "ropewalk"}
	var (
		tokenFile string
		parent    bool
	)
	cmd := &cobra.Command{
		Use:   "nats --dir DIR",
		Short: "Run the queue's NATS server alone",
		Long: "nats runs the server that train embeds by itself, for a run whose workers are on other\n" +
			"machines or that shall outlive its coordinator. It prints the URL to give as queue.url and\n" +
			"runs until stopped. Any NATS server from 2.12 on with JetStream and max_payload 8MB does as well;\n" +
			"use a cluster of those where one machine's death must not stop the run.\n\n" +
			"With durability fsync, an answer to a worker or a coordinator means that what it sent is on the\n" +
			"disk; with interval, that it survives the death of the server but not of the machine.",
		Example: "  ropewalk nats --dir runs/nats --listen 127.0.0.1:4222\n" +
			"  ropewalk nats --dir /data/nats --listen :4222 --token-file token --cert server.pem --key server.key",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Dir == "" {
				return fail(exitUsage, "name a folder for what it stores: --dir DIR", errors.New("no folder given"))
			}
			if parent {
				exitWithParent(cmd.InOrStdin())
			}
			if tokenFile != "" {
				token, err := os.ReadFile(tokenFile)
				if err != nil {
					return fail(exitBadInput, "", fmt.Errorf("token file: %w", err))
				}
				o.Token = strings.TrimSpace(string(token))
			}
			o.Log = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
			return runNats(cmd.Context(), cmd, o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Dir, "dir", "", "folder for what it stores")
	flags.StringVar(&o.Listen, "listen", "127.0.0.1:4222", "address to listen on, port 0 for any free one")
	flags.StringVar(&o.Durability, "durability", queue.Fsync, "fsync or interval: when a write counts as done")
	flags.StringVar(&tokenFile, "token-file", "", "file with the token that clients must bring")
	flags.StringVar(&o.Cert, "cert", "", "TLS: PEM file of the server's certificate")
	flags.StringVar(&o.Key, "key", "", "TLS: PEM file of its key")
	flags.StringVar(&o.ClientCA, "client-ca", "", "TLS: PEM file of the authority whose certificates clients must show")
	flags.BoolVar(&parent, "exit-with-parent", false, "leave when standard input closes")
	return cmd
}

func runNats(ctx context.Context, cmd *cobra.Command, o queue.ServerOptions) error {
	server, err := queue.StartServer(o)
	if err != nil {
		return natsError(err)
	}
	defer server.Close()
	if o.Token == "" && o.ClientCA == "" && !loopback(o.Listen) {
		o.Log.Warn("anybody who reaches this address can read and write the queue; see --token-file and --client-ca", "listen", o.Listen)
	}
	if _, err := fmt.Fprintln(cmd.OutOrStdout(), server.ClientURL()); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case <-server.Broken():
		return fail(exitFailure, "make room on its disk and start it again: what was acknowledged is still there", server.Err())
	}
}

func natsError(err error) error {
	switch {
	case errors.Is(err, queue.ErrPortTaken):
		return fail(exitUnreachable, "choose another address with --listen, or port 0 for any free one", err)
	case errors.Is(err, queue.ErrDirInUse):
		return fail(exitBadInput, "stop the other server, or choose another folder with --dir", err)
	case errors.Is(err, queue.ErrOptions):
		return fail(exitUsage, "", err)
	}
	return fail(exitBadInput, "", err)
}

func loopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
