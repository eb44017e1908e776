using System.Diagnostics;

namespace Hospes.Hypervisor.Kvm.Tests;

/// <summary>
/// KVM with hardware virtualization behind it, on every host: QEMU emulates an AMD processor with nested paging, Debian's kernel runs on it and gives
/// a <c>/dev/kvm</c>, and <c>hospes</c> and the conformance programs, compiled to machine code, run on that. What they said is read from the serial port.
/// </summary>
public sealed class NestedGuestTests(NestedGuestTests.Nest nest) : IClassFixture<NestedGuestTests.Nest>
{
    [Fact]
    public void EveryProgramPasses()
    {
        nest.Lines.ShouldNotContain(static line => line.StartsWith("FAILED ", StringComparison.Ordinal), nest.Report);
        nest.Lines.Count(static line => line.StartsWith("ok ", StringComparison.Ordinal)).ShouldBeGreaterThanOrEqualTo(30, nest.Report);
        nest.Lines.ShouldContain("CONFORMANCE 0", nest.Report);
    }

    [Fact]
    public void TheEnginesAgreeOnTheStatesAtTheEndAndOnSavedStates()
    {
        nest.Lines.ShouldNotContain(static line => line.StartsWith("DIFFERS ", StringComparison.Ordinal), nest.Report);
        string said = nest.Lines.SingleOrDefault(static line => line.StartsWith("agreement: ", StringComparison.Ordinal)).ShouldNotBeNull(nest.Report);
        said.ShouldEndWith(" compared, 0 different");
        int.Parse(said.Split(' ')[1]).ShouldBeGreaterThan(15);
        nest.Lines.ShouldContain("moved: 2a7 2a7 of 2a7", nest.Report);
    }

    [Fact]
    public void TheHostCheckFindsItReal() => nest.Lines.ShouldContain(
        static line => line.StartsWith("pass  kvm ", StringComparison.Ordinal) && line.EndsWith("/dev/kvm runs guests on the processor", StringComparison.Ordinal), nest.Report);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void DebiansKernelBootsWithADiskAndANetwork(int processors)
    {
        nest.Lines.ShouldContain($"BOOT {processors} 0", nest.Report);
        nest.Lines.ShouldContain($"{processors}: INNER processors {processors}", nest.Report);
        nest.Lines.ShouldContain($"{processors}: INNER disk {processors} read back", nest.Report);
        nest.Lines.ShouldContain($"DISK {processors} kept", nest.Report);
        nest.Lines.ShouldContain(processors == 1 ? "1: INNER network 1 heard of it" : "2: INNER network 2 page fetched", nest.Report);
        // The interrupts of the disk's and the network card's queues are messages.
        nest.Lines.ShouldNotContain($"{processors}: INNER messages 0", nest.Report);
    }

    /// <summary>One boot of the nest for all of these tests.</summary>
    public sealed class Nest
    {
        /// <summary>Some ten times what it takes where nothing else runs.</summary>
        private const string Patience = "1500";

        public Nest()
        {
            string root = Root();
            string folder = Path.Combine(root, "tests/Hospes.Hypervisor.Kvm.Tests");
            string hospes = Output(Path.Combine(root, "native")).Trim();
            string conformance = Output(Path.Combine(root, "native"), "tests/Hospes.Conformance.Guest").Trim();
            string text = Output(Path.Combine(root, "tests/nested"), Path.Combine(folder, "nested.sh"), $"{hospes}=/bin/hospes", $"{conformance}=/bin/hospes-conformance");
            // A serial line ends in CR LF, and once more in CR where it came out of a guest inside.
            Lines = [.. text.Split('\n').Select(static line => line.TrimEnd('\r'))];
        }

        /// <summary>All that the nest said, line by line.</summary>
        public IReadOnlyList<string> Lines { get; }

        /// <summary>What a failed test shows: what went wrong in the nest, and how it ended.</summary>
        public string Report => string.Join('\n',
            [
                "", "In the nested guest:",
                .. Lines.Where(static line => line.StartsWith("FAILED ", StringComparison.Ordinal) || line.StartsWith("DIFFERS ", StringComparison.Ordinal)),
                "…", .. Lines.TakeLast(60),
            ]);

        private static string Root()
        {
            string? folder = AppContext.BaseDirectory;
            while (folder is not null && !File.Exists(Path.Combine(folder, "hospes.slnx"))) folder = Path.GetDirectoryName(folder);
            return folder ?? throw new InvalidOperationException("not inside the repository");
        }

        private static string Output(string program, params string[] arguments)
        {
            var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
            start.Environment["NESTED_SECONDS"] = Patience;
            start.Environment["NESTED_INNER"] = Path.Combine(Root(), "tests/Hospes.Hypervisor.Kvm.Tests/inner.sh");
            using Process process = Process.Start(start)!;
            Task<string> error = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            process.ExitCode.ShouldBe(0, $"{program}: {output}{error.Result}");
            return output;
        }
    }
}
