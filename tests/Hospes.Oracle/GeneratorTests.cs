using Hospes.Oracle.Compare;
using Hospes.Oracle.Generate;
using Hospes.Oracle.Native;
using Iced.Intel;
using Xunit.Abstractions;

namespace Hospes.Oracle;

/// <summary>The generator by itself, against the real processor: what it makes is runnable, repeatable and decoded alike.</summary>
public sealed class GeneratorTests(ITestOutputHelper output) : IDisposable
{
    private const ulong Seed = 0x0_5EED;
    private readonly NativeRunner _runner = new();

    public void Dispose() => _runner.Dispose();

    public static TheoryData<string> Families() => [.. Enum.GetNames<Family>(), "Soup", "Sequences"];

    [Theory]
    [MemberData(nameof(Families))]
    public void The_real_processor_answers_every_family_twice_alike(string family)
    {
        var catalog = new Catalog(_runner.HasFsGsBase);
        var generator = new CaseGenerator(catalog, _runner.HasFsGsBase);
        IReadOnlyList<Code> codes = Enum.TryParse<Family>(family, out var known) ? catalog.Codes(known) : [.. catalog.Comparable.Order()];
        var traps = new SortedDictionary<ulong, int>();
        var unfinished = new Dictionary<Code, (int Total, int Done)>();
        StateBuilder.FillReadOnlyPage(_runner.ReadOnlyPage);
        var description = new OracleCase();
        var nothingIgnored = new OracleCase();
        var first = new CpuImage[NativeRunner.BatchSize];
        var instructions = new Instruction[NativeRunner.BatchSize];
        for (var batch = 0; batch < 8; batch++)
        {
            for (var i = 0; i < NativeRunner.BatchSize; i++)
            {
                var random = new Randomness(Seed, family, (batch * NativeRunner.BatchSize) + i);
                switch (family)
                {
                    case "Soup":
                        generator.Soup(ref random, ref _runner.Slot(i), description);
                        break;
                    case "Sequences":
                        generator.Sequence(ref random, codes, ref _runner.Slot(i), description);
                        break;
                    default:
                        generator.Single(ref random, codes, ref _runner.Slot(i), description);
                        break;
                }

                instructions[i] = description.Instructions[0];
            }

            _runner.Run(NativeRunner.BatchSize);
            for (var i = 0; i < NativeRunner.BatchSize; i++)
            {
                first[i] = _runner.Slot(i).Output;
            }

            _runner.Run(NativeRunner.BatchSize);
            for (var i = 0; i < NativeRunner.BatchSize; i++)
            {
                ref var slot = ref _runner.Slot(i);
                var trap = slot.Output[Greg.Trap];
                traps[trap] = traps.GetValueOrDefault(trap) + 1;
                var (total, done) = unfinished.GetValueOrDefault(instructions[i].Code);
                unfinished[instructions[i].Code] = (total + 1, done + (trap == 3 ? 1 : 0));
                slot.Output.Signal.ShouldNotBe(NativeRunner.Died, $"{instructions[i]} {Convert.ToHexString(slot.Code)}");
                if (instructions[i].IsInvalid)
                {
                    trap.ShouldBeOneOf([6UL, 13UL, 14UL], $"case {i}: {Convert.ToHexString(slot.Code)} is no instruction");
                }

                Comparison.Differences(ref slot, ref first[i], nothingIgnored).ShouldBeNull($"{instructions[i]} {Convert.ToHexString(slot.Code)}");
            }
        }

        output.WriteLine($"{family}: {codes.Count} codes; traps {string.Join(", ", traps.Select(t => $"{t.Key}:{t.Value}"))}; children {_runner.Started}");
        output.WriteLine("never finished: " + string.Join(' ', unfinished.Where(u => u.Value.Done == 0).Select(u => $"{u.Key}({u.Value.Total})")));
        output.WriteLine("never made: " + string.Join(' ', codes.Where(c => !unfinished.ContainsKey(c))));
    }
}
