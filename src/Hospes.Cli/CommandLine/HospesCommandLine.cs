using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using Hospes.Cli.Daemon;
using Hospes.Cli.Demo;
using Hospes.Cli.Domains;
using Hospes.Cli.Host;
using Hospes.Cli.Images;
using Hospes.Cli.Store;
using Hospes.Cli.Run;
using Hospes.Cli.Vmm;

namespace Hospes.Cli.CommandLine;

/// <summary>The tree of commands, and the one way into it.</summary>
internal static class HospesCommandLine
{
    /// <summary>Parses the arguments, runs the command they name, and gives the exit status of the process.</summary>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, Surroundings surroundings)
    {
        // QEMU's options have one dash and a grammar of their own. A domain's process has no use for the tree of all commands, which takes longer to
        // make than the domain.
        if (arguments.Count > 0 && arguments[0] == VmmCommand.Name)
            return await VmmCommand.RunAsync([.. arguments.Skip(1)], surroundings, () => Root(surroundings).Subcommands.Single(static command => command.Name == VmmCommand.Name)).ConfigureAwait(false);
        RootCommand root = Root(surroundings);
        // A '@' in front of a word is part of that word: no file is read in its place.
        ParseResult result = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        // Help that was asked for, and the version, answer even beside mistakes; everything else wants a faultless line.
        if (result.Errors.Count > 0 && result.Action is not (ManualAction { Asked: true } or VersionAction))
            return surroundings.Fail(ParseMistake.Describe(result));
        var invocation = new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
            Output = surroundings.Out,
            Error = surroundings.Error,
        };
        return await result.InvokeAsync(invocation).ConfigureAwait(false);
    }

    /// <summary>Builds the tree of commands.</summary>
    public static RootCommand Root(Surroundings surroundings)
    {
        var root = new HospesRoot();
        root.Add(DemoCommand.Create(surroundings));
        root.Add(RunCommand.Create(surroundings));
        root.Add(ScreenshotCommand.Create(surroundings));
        root.Add(VmmManual.Create());
        root.Add(DaemonCommand.Create(surroundings));
        root.Add(DomainCommand.Create(surroundings));
        root.Add(ImageCommand.Create(surroundings));
        root.Add(HostCommand.Create(surroundings));
        root.Add(StoreCommand.Create(surroundings));
        foreach (Option option in root.Options)
        {
            if (option is HelpOption help)
            {
                help.Description = "Show this page, or that of the command it follows.";
                help.Action = new ManualAction(surroundings, asked: true);
            }
            else if (option is VersionOption version)
            {
                version.Description = "Show the version of Hospes.";
                version.Action = new VersionAction(surroundings);
            }
        }

        AnswerWithHelp(root, surroundings);
        return root;
    }

    /// <summary>Gives every command that only groups others an action: show its page.</summary>
    private static void AnswerWithHelp(Command command, Surroundings surroundings)
    {
        foreach (Command child in command.Subcommands) AnswerWithHelp(child, surroundings);
        if (command.Action is null && command.Subcommands.Count > 0) command.Action = new ManualAction(surroundings, asked: false);
    }

    /// <summary>The root, with the page that people read first.</summary>
    private sealed class HospesRoot() : RootCommand("create, run and look after virtual machines"), IManual
    {
        public ManualPage Page { get; } = new()
        {
            Description =
            [
                "Hospes runs guest domains: it creates an empty guest, builds its memory from a kernel, and runs it on an x86-64 "
                    + "processor of its own, written in software. No hardware virtualization and no privileges are needed.",
            ],
            ExitStatuses =
            [
                ("0", "Done."),
                ("1", "The command ran and its answer is no, such as a host check that failed."),
                ("2", "Bad arguments or bad input. One line on standard error says what was wrong and what to do."),
            ],
            Variables =
            [
                ("NO_COLOR", "When set to anything, output is never coloured. Output is coloured on terminals only."),
                ("XDG_CACHE_HOME", "Where images are kept, in the folder hospes; ~/.cache when not set."),
                ("http_proxy, https_proxy, no_proxy", "Proxies to fetch images through."),
            ],
        };
    }

    private sealed class ManualAction(Surroundings surroundings, bool asked) : SynchronousCommandLineAction
    {
        /// <summary>Whether <c>--help</c> was given, rather than no command.</summary>
        public bool Asked => asked;

        public override bool ClearsParseErrors => asked;

        public override int Invoke(ParseResult parseResult)
        {
            new ManualWriter(surroundings.Out, surroundings.OutIsTerminal, surroundings.Columns).Write(parseResult.CommandResult.Command);
            return ExitStatus.Done;
        }
    }

    private sealed class VersionAction(Surroundings surroundings) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            surroundings.Out.WriteLine($"hospes {typeof(HospesCommandLine).Assembly.GetName().Version?.ToString(3)}");
            return ExitStatus.Done;
        }
    }
}
