using System.CommandLine;
using Hospes.Cli.CommandLine;

namespace Hospes.Cli.Tests.CommandLine;

public sealed class ManualTests
{
    public static TheoryData<string> Commands()
    {
        var data = new TheoryData<string>();
        foreach (Command command in All(HospesCommandLine.Root(new Surroundings { Out = TextWriter.Null, Error = TextWriter.Null }))) data.Add(ManualWriter.Path(command));
        return data;
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task EveryCommandHasAManualPageThatFitsATerminal(string path)
    {
        string[] words = path.Split(' ')[1..];
        Ran ran = await HospesProgram.InProcessAsync([.. words, "--help"]);
        ran.Status.ShouldBe(0);
        ran.Error.ShouldBeEmpty();
        foreach (string section in (string[])["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS"]) ran.Out.ShouldContain($"{section}\n");
        ran.Out.ShouldContain($"{path} - ");
        // Commands to copy stay on one line.
        ran.Out.Split('\n').ShouldAllBe(line => line.Length <= 80 || !line.Trim().Contains(' ') || line.StartsWith("       hospes "));
        ran.Out.ShouldNotContain("\e");
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task EveryOptionIsDescribed(string path)
    {
        await Task.CompletedTask;
        Command command = All(HospesCommandLine.Root(new Surroundings { Out = TextWriter.Null, Error = TextWriter.Null })).Single(command => ManualWriter.Path(command) == path);
        command.Description.ShouldNotBeNullOrWhiteSpace();
        command.Options.ShouldAllBe(option => !string.IsNullOrWhiteSpace(option.Description));
        command.Arguments.ShouldAllBe(argument => !string.IsNullOrWhiteSpace(argument.Description));
        if (command.Subcommands.Count == 0) ((IManual)command).Page.ExitStatuses.ShouldNotBeEmpty();
    }

    [Fact]
    public async Task HelpIsBoldOnATerminalOnly()
    {
        using var output = new StringWriter();
        await HospesCommandLine.RunAsync(["--help"], new Surroundings { Out = output, Error = TextWriter.Null, OutIsTerminal = true });
        output.ToString().ShouldStartWith("\e[1mNAME\e[0m");
    }

    [Fact]
    public async Task WithoutACommandTheGroupShowsItsPage()
    {
        Ran ran = await HospesProgram.InProcessAsync("image");
        ran.Status.ShouldBe(0);
        ran.Out.ShouldContain("COMMANDS");
    }

    [Fact]
    public async Task TheVersionIsOneLine() => (await HospesProgram.InProcessAsync("--version")).Out.ShouldMatch(@"\Ahospes \d+\.\d+\.\d+\n\z");

    private static IEnumerable<Command> All(Command command) => command.Subcommands.SelectMany(All).Prepend(command);
}
