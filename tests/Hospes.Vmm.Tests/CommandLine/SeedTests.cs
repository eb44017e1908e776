using System.Net.NetworkInformation;
using System.Net.Sockets;
using Hospes.Machine;
using Hospes.Vmm.Chardevs;
using Hospes.Vmm.CommandLine;

namespace Hospes.Vmm.Tests.CommandLine;

/// <summary>The command line of QEMU's own documentation of its <c>xenpvh</c> machine, as toolstacks construct it.</summary>
public sealed class SeedTests
{
    private const string Seed = """
        -no-shutdown
        -chardev socket,id=libxl-cmd,path=/var/run/xen/qmp-libxl-3,server=on,wait=off
        -mon chardev=libxl-cmd,mode=control
        -chardev socket,id=libxenstat-cmd,path=/var/run/xen/qmp-libxenstat-3,server=on,wait=off
        -mon chardev=libxenstat-cmd,mode=control
        -nodefaults
        -no-user-config
        -name g0
        -vnc none
        -display none
        -device virtio-net-pci,id=nic0,netdev=net0,mac=00:16:3e:5c:81:78
        -netdev type=tap,id=net0,ifname=vif3.0-emu,br=xenbr0,script=no,downscript=no
        -smp 4,maxcpus=4
        -nographic
        -machine xenpvh,ram-low-base=0,ram-low-size=2147483648,ram-high-base=4294967296,ram-high-size=2147483648,pci-ecam-base=824633720832,pci-ecam-size=268435456,pci-mmio-base=4026531840,pci-mmio-size=33554432,pci-mmio-high-base=824902156288,pci-mmio-high-size=68719476736
        -m 4096
        """;

    private static string[] Arguments => Seed.Split([' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries);

    [Fact]
    public void ItIsAcceptedWithAnEngineAndAKernel()
    {
        VmmCommandLine line = Parsing.Good([.. Arguments, "-accel", "soft,translate=off", "-kernel", "vmlinuz", "-initrd", "root.cpio", "-append", "console=ttyS0"]);
        line.Machine.ShouldBe(new MachineConfig
        {
            Memory = 4096UL << 20,
            Vcpus = 4,
            RamLowBase = 0,
            RamLowSize = 2147483648,
            RamHighBase = 4294967296,
            RamHighSize = 2147483648,
            PciEcamBase = 824633720832,
            PciEcamSize = 268435456,
            PciMmioBase = 4026531840,
            PciMmioSize = 33554432,
            PciMmioHighBase = 824902156288,
            PciMmioHighSize = 68719476736,
            DebugExitPort = null,
        });
        line.Engines.ShouldBe(["soft,translate=off"]);
        (line.Kernel, line.Initrd, line.Append, line.Name).ShouldBe(("vmlinuz", "root.cpio", "console=ttyS0", "g0"));
        line.Devices.ShouldHaveSingleItem().ShouldBe(
            new TapNetworkOptions("vif3.0-emu") { Id = "nic0", Backend = "net0", Mac = PhysicalAddress.Parse("00:16:3e:5c:81:78") });
        line.Chardevs.Select(static chardev => chardev.Id).ShouldBe(["libxl-cmd", "libxenstat-cmd"]);
        SocketChardevOptions socket = line.Chardevs[0].ShouldBeOfType<SocketChardevOptions>();
        (socket.Server, socket.Wait, socket.Reconnect).ShouldBe((true, false, null));
        socket.Address.ShouldBeOfType<UnixDomainSocketEndPoint>().ToString().ShouldBe("/var/run/xen/qmp-libxl-3");
        line.Monitors.ShouldBe([new MonitorOptions("libxl-cmd", MonitorKind.Control), new MonitorOptions("libxenstat-cmd", MonitorKind.Control)]);
        line.Actions.ShouldBe(new ActionOptions { PowerOff = false });
        line.Serial.ShouldBeNull();
        line.Warnings.ShouldBeEmpty();
    }

    [Fact]
    public void ItsMachineIsPossible()
    {
        MachineConfigCheck.Check(Parsing.Good(Arguments).Machine, 8UL << 30, out string message).ShouldBe(MachineError.None, message);
    }

    [Theory]
    [InlineData("-xen-domid", "3")]
    [InlineData("-xen-attach")]
    public void WhatIsXensIsRefusedByName(params string[] option) =>
        Parsing.Bad([.. Arguments, .. option]).ShouldBe($"{option[0]}: not supported by this program, see docs/qemu.md");
}
