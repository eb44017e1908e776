using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;

namespace Hospes.Machine.Tests.Acpi;

public sealed class TablesTests
{
    private const ulong Base = 0xE0000;

    public static TheoryData<int, ulong, ulong> Machines => new() { { 1, 256UL << 20, 0 }, { 2, 256UL << 20, 1UL << 38 }, { 255, 0, 0 } };

    [Theory]
    [MemberData(nameof(Machines))]
    public void Root_pointer_leads_to_every_table_and_all_sums_are_zero(int vcpus, ulong ecam, ulong high)
    {
        Dictionary<string, byte[]> tables = Parse(AcpiTables.Build(Config(vcpus, ecam, high), Base));
        string[] expected = ecam == 0 ? ["APIC", "DSDT", "FACP"] : ["APIC", "DSDT", "FACP", "MCFG"];
        tables.Keys.Order().ShouldBe(expected);
    }

    [Fact]
    public void Largest_machine_fits_below_one_mebibyte()
    {
        AcpiTables.Build(Config(255, 256UL << 20, 1UL << 38), Base).Length.ShouldBeLessThan((int)MachineLayout.AcpiSize);
        AcpiTables.Build(Config(1, 256UL << 20, 1UL << 38, most: 255), Base).Length.ShouldBeLessThan((int)MachineLayout.AcpiSize);
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void Disassembler_takes_every_table_without_a_word_of_doubt(int vcpus, ulong ecam, ulong high)
    {
        foreach ((string name, byte[] table) in Parse(AcpiTables.Build(Config(vcpus, ecam, high), Base)))
        {
            (string listing, string output) = Disassemble(name, table);
            foreach (string doubt in new[] { "Warning", "Error", "Unknown", "Invalid", "Could not", "**** " })
            {
                output.ShouldNotContain(doubt, Case.Sensitive, name);
                listing.ShouldNotContain(doubt, Case.Sensitive, name);
            }
        }
    }

    [Fact]
    public void What_the_disassembler_wrote_compiles_to_the_same_bytes()
    {
        byte[] table = Parse(AcpiTables.Build(Config(2, 256UL << 20, 1UL << 38, most: 4), Base))["DSDT"];
        (string listing, _) = Disassemble("DSDT", table);
        string folder = Directory.CreateTempSubdirectory("hospes-acpi-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "dsdt.dsl"), listing);
            string output = Run(folder, "-oa", "dsdt.dsl"); // -oa: no optimizations
            output.ShouldContain("0 Errors, 0 Warnings");
            byte[] compiled = File.ReadAllBytes(Path.Combine(folder, "dsdt.aml"));
            compiled.AsSpan(AcpiTable.HeaderSize).SequenceEqual(table.AsSpan(AcpiTable.HeaderSize)).ShouldBeTrue();
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    [Fact]
    public void Dsdt_names_the_devices_with_their_resources()
    {
        (string listing, _) = Disassemble("DSDT", Parse(AcpiTables.Build(Config(1, 256UL << 20, 1UL << 38), Base))["DSDT"]);
        string flat = string.Join(' ', listing.Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries));
        foreach (string expected in new[]
        {
            "EisaId (\"PNP0A08\")", "EisaId (\"PNP0501\")", "EisaId (\"PNP0B00\")", "EisaId (\"PNP0C0C\")", "\"ACPI0013\"", "\"QEMU0001\"",
            "ToUUID (\"33db4d5b-1ff7-401c-9657-7441c03dd766\")", "Notify (\\_SB.PWRB, 0x80)", "Name (\\_S5,", "0x03F8, // Range Minimum",
        })
        {
            flat.ShouldContain(expected, Case.Sensitive);
        }
    }

    [Fact]
    public void Madt_lists_each_processor_and_the_io_apic()
    {
        byte[] madt = Parse(AcpiTables.Build(Config(3, 0, 0), Base))["APIC"];
        var entries = new List<(byte Type, byte[] Body)>();
        for (int at = 44; at < madt.Length; at += madt[at + 1]) entries.Add((madt[at], madt[at..(at + madt[at + 1])]));
        entries.Where(entry => entry.Type == 0).Select(entry => entry.Body[3]).ShouldBe([0, 1, 2]);
        byte[] ioApic = entries.Single(entry => entry.Type == 1).Body;
        BinaryPrimitives.ReadUInt32LittleEndian(ioApic.AsSpan(4)).ShouldBe(0xFEC00000u);
    }

    [Fact]
    public void Fadt_is_hardware_reduced_and_names_sleep_and_reset()
    {
        byte[] fadt = Parse(AcpiTables.Build(Config(1, 0, 0), Base))["FACP"];
        fadt.Length.ShouldBe(276);
        uint flags = BinaryPrimitives.ReadUInt32LittleEndian(fadt.AsSpan(112));
        (flags & (1 << 20)).ShouldNotBe(0u);
        (flags & (1 << 10)).ShouldNotBe(0u);
        (fadt[109] & 0x22).ShouldBe(0, "no 8042, and a CMOS clock");
        BinaryPrimitives.ReadUInt64LittleEndian(fadt.AsSpan(120)).ShouldBe(0xCF9ul);
        fadt[128].ShouldBe((byte)6);
        BinaryPrimitives.ReadUInt64LittleEndian(fadt.AsSpan(248)).ShouldBe(0x600ul);
        BinaryPrimitives.ReadUInt64LittleEndian(fadt.AsSpan(260)).ShouldBe(0x601ul);
    }

    internal static (string Listing, string Output) Disassemble(string name, byte[] table)
    {
        string folder = Directory.CreateTempSubdirectory("hospes-acpi-").FullName;
        try
        {
            File.WriteAllBytes(Path.Combine(folder, "table.dat"), table);
            string output = Run(folder, "-d", "table.dat");
            string listing = Path.Combine(folder, "table.dsl");
            File.Exists(listing).ShouldBeTrue(name + ": " + output);
            return (File.ReadAllText(listing), output);
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    private static string Run(string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo("iasl", arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd() + errors.Result;
        process.WaitForExit();
        process.ExitCode.ShouldBe(0, output);
        return output;
    }

    private static MachineConfig Config(int vcpus, ulong ecam, ulong high, int most = 0) =>
        new() { Memory = 64 << 20, Vcpus = vcpus, MaxVcpus = most, PciEcamSize = ecam, PciMmioHighSize = high, GenerationId = Guid.Empty };

    private static Dictionary<string, byte[]> Parse(byte[] image)
    {
        Encoding.ASCII.GetString(image, 0, 8).ShouldBe("RSD PTR ");
        AcpiTable.Checksum(image.AsSpan(0, 20)).ShouldBe((byte)0);
        AcpiTable.Checksum(image.AsSpan(0, 36)).ShouldBe((byte)0);
        var tables = new Dictionary<string, byte[]>();
        byte[] xsdt = Table(image, BinaryPrimitives.ReadUInt64LittleEndian(image.AsSpan(24)));
        for (int at = 36; at < xsdt.Length; at += 8)
        {
            byte[] table = Table(image, BinaryPrimitives.ReadUInt64LittleEndian(xsdt.AsSpan(at)));
            tables.Add(Encoding.ASCII.GetString(table, 0, 4), table);
        }
        tables.Add("DSDT", Table(image, BinaryPrimitives.ReadUInt64LittleEndian(tables["FACP"].AsSpan(140))));
        return tables;
    }

    private static byte[] Table(byte[] image, ulong address)
    {
        int at = (int)(address - Base);
        byte[] table = image[at..(at + BinaryPrimitives.ReadInt32LittleEndian(image.AsSpan(at + 4)))];
        AcpiTable.Checksum(table).ShouldBe((byte)0);
        return table;
    }
}
