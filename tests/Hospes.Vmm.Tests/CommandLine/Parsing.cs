using Hospes.Vmm.CommandLine;

namespace Hospes.Vmm.Tests.CommandLine;

/// <summary>Reads command lines in tests.</summary>
internal static class Parsing
{
    /// <summary>A command line that is right.</summary>
    public static VmmCommandLine Good(params IReadOnlyList<string> arguments)
    {
        VmmCommandLine? line = CommandLineParser.TryParse(arguments, out string? error);
        error.ShouldBeNull();
        return line.ShouldNotBeNull();
    }

    /// <summary>What is wrong with a command line that is.</summary>
    public static string Bad(params IReadOnlyList<string> arguments)
    {
        CommandLineParser.TryParse(arguments, out string? error).ShouldBeNull();
        return error.ShouldNotBeNull();
    }

    /// <summary>Splits at blanks; no argument of these tests has one.</summary>
    public static string[] Split(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
