using System.Diagnostics;

namespace Hospes.Hypervisor.Kvm.Tests;

/// <summary>
/// KVM with hardware virtualization behind it, on every host: QEMU emulates an AMD processor with nested paging, Debian's kernel runs on it and gives
/// a <c>/dev/kvm</c>, and <c>hospes</c> and the conformance programs, compiled to machine code, run on that. What they said is read from the serial port.
/// </summary>
public sealed class NestedGuestTests(NestedGuestTests.Nest nest) : IClassFixture<NestedGuestTests.Nest>
{
    [Fact]
    public void EveryConformanceProgramPasses()
    {
        nest.Lines.ShouldContain("CONFORMANCE 0", nest.Text);
        Last.Count(static line => line.StartsWith("ok ", StringComparison.Ordinal)).ShouldBeGreaterThanOrEqualTo(20);
        Last.ShouldNotContain(static line => line.StartsWith("FAILED ", StringComparison.Ordinal));
    }

    [Fact]
    public void TheEnginesAgreeOnTheStatesAtTheEnd()
    {
        Last.ShouldNotContain(static line => line.StartsWith("DIFFERS ", StringComparison.Ordinal));
        string said = Last.Single(static line => line.StartsWith("agreement: ", StringComparison.Ordinal));
        said.ShouldEndWith(" compared, 0 different");
        int.Parse(said.Split(' ')[1]).ShouldBeGreaterThan(15);
        Last.ShouldContain("moved: 2a7 2a7 of 2a7");
    }

    /// <summary>What the last run of the programs said.</summary>
    private List<string> Last => [.. nest.Lines.Skip(nest.Lines.ToList().LastIndexOf("AGAIN") + 1)];

    [Fact]
    public void TheHostCheckFindsItReal() =>
        nest.Lines.ShouldContain(static line => line.StartsWith("pass  kvm ", StringComparison.Ordinal) && line.EndsWith("/dev/kvm runs guests on the processor", StringComparison.Ordinal), nest.Text);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void DebiansKernelBootsWithSoManyProcessors(int processors)
    {
        nest.Lines.ShouldContain($"BOOT {processors} 0", nest.Text);
        nest.Lines.ShouldContain(line => line.StartsWith($"INNER processors {processors} ", StringComparison.Ordinal));
    }

    /// <summary>One boot of the nest for all of these tests.</summary>
    public sealed class Nest
    {
        public Nest()
        {
            string root = Root();
            string hospes = Output(Path.Combine(root, "native"));
            string conformance = Output(Path.Combine(root, "native"), "tests/Hospes.Conformance.Guest");
            string script = Path.Combine(root, "tests/Hospes.Hypervisor.Kvm.Tests/nested.sh");
            Text = Output(Path.Combine(root, "tests/nested"), script, $"{hospes.Trim()}=/bin/hospes", $"{conformance.Trim()}=/bin/hospes-conformance");
            Lines = Text.Split('\n');
        }

        /// <summary>All that the nest said.</summary>
        public string Text { get; }

        /// <summary>The same by lines.</summary>
        public IReadOnlyList<string> Lines { get; }

        private static string Root()
        {
            string? folder = AppContext.BaseDirectory;
            while (folder is not null && !File.Exists(Path.Combine(folder, "hospes.slnx"))) folder = Path.GetDirectoryName(folder);
            return folder ?? throw new InvalidOperationException("not inside the repository");
        }

        private static string Output(string program, params string[] arguments)
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            Task<string> error = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            process.ExitCode.ShouldBe(0, $"{program}: {output}{error.Result}");
            return output;
        }
    }
}
